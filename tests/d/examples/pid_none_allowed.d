// fasttrap -Z -s FILE -c build/targets/ledger
//
// With -Z a description may match nothing.
pid$target:a.out:no_such*:entry
{
	printf("never");
}

pid$target:a.out:bad:entry
{
	printf("bad(%d)", arg0);
}
