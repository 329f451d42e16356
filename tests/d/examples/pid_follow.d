// fasttrap -q --follow -s FILE -c 'build/targets/ledger fork'
//
// With --follow the clauses hold for the children as well; pid tells them apart.
pid$target:a.out:withdraw:entry
{
	printf("%s withdraws %d\n", pid == $target ? "the program" : "its child", arg1);
	@[pid == $target] = sum(arg1);
}

END
{
	printa("%d %@d\n", @);
}
