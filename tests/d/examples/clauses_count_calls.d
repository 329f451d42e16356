// fasttrap -q -s FILE -c build/targets/ledger 2
//
// The program of the manual's first chapter in another dress: the most frequent functions, cut to $1.
pid$target:a.out:many:entry,
pid$target:a.out:countdown:entry,
pid$target:a.out:transfer:entry
{
	@calls[probefunc] = count();
}

END
{
	trunc(@calls, $1);
	printf("%-20s %s\n", "FUNCTION", "CALLS");
	printa("%-20s %@d\n", @calls);
}
