// fasttrap -q --follow -s FILE -c 'build/targets/ledger fork'
//
// With --follow the clauses hold for the children as well; pid tells them apart.
pid$target:a.out:withdraw:entry
{
	@[pid == $target ? "the program" : "its child"] = sum(arg1);
}

END
{
	printa("%s withdraws %@d\n", @);
}
