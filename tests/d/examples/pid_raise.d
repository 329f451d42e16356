// fasttrap -w -s FILE -c build/targets/ledger
//
// raise() sends the program a signal, by -w only, and the end of the tracing says so.
pid$target:a.out:transfer:entry
/arg2 == 500/
{
	printf("no more");
	raise(SIGTERM);
}

pid$target:a.out:countdown:entry
{
	printf("never");
}
