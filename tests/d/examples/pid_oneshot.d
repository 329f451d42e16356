// fasttrap -q -s FILE -c build/targets/ledger
//
// A probe of oneshot fires once in a process.
oneshot$target:a.out:transfer:entry,
oneshot$target:a.out:countdown:entry
{
	printf("%s %d\n", probefunc, arg0 < 100 ? arg0 : arg2);
}
