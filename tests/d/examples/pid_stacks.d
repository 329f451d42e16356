// fasttrap -q -s FILE -c build/targets/ledger
//
// ustack() names the callers; as a key it makes a table of stacks.
pid$target:a.out:deposit:entry
{
	@[ustack(3)] = sum(arg1);
}

pid$target:a.out:withdraw:entry
/arg1 == 500/
{
	ustack(2);
	printf("%A is called by %A\n", uregs[R_RIP], ucaller);
	trace("that is all\n");
}
