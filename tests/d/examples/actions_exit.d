// fasttrap -q -s FILE
// exits 42
//
// exit() ends the tracing when its clause is done: END runs, and nothing else.
BEGIN
{
	exit(42);
	printf("the rest of the clause\n");
}

BEGIN
{
	printf("the next clause\n");
}

tick-1ms
{
	printf("never a tick\n");
}

END
{
	printf("END\n");
}
