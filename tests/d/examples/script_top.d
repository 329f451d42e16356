// fasttrap -q -s FILE -c build/targets/ledger 2
//
// A script that prints the $1 most frequent functions, and forgets them.
pid$target:a.out:[cdtw]*:entry
/probefunc == "countdown" || probefunc == "deposit" || probefunc == "transfer"/
{
	@calls[probefunc] = count();
}

pid$target:a.out:note:entry
{
	trunc(@calls, $1);
	printa("%-12s %@3u\n", @calls);
	trunc(@calls);
}

END
{
	printf("nothing is left:\n");
	printa("%s %@d\n", @calls);
}
