// fasttrap -s FILE
//
// Ticks have a name, no function, and numbers behind those of BEGIN, END and ERROR.
int n;

tick-1ms
/n++ == 0/
{
	printf("%s:%s:%s:%s", probeprov, probemod, probefunc, probename);
}

tick-10ms
{
	exit(0);
}
