// fasttrap -q -s FILE
//
// tick probes fire at a rate, each clause of a rate as often as the others, the faster ones more often.
tick-2ms
{
	fast++;
}

tick-500hz
{
	alike++;
}

tick-100ms
{
	printf("%d %d\n", fast > 2, alike > 2);
	exit(0);
}
