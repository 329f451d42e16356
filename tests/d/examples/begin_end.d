// fasttrap -s FILE
//
// BEGIN fires before everything, END behind it.
int ticks;

END
{
	printf("END is the last, whatever the order of the program; %d", ticks > 0);
}

tick-1ms
{
	ticks++;
	exit(0);
}

dtrace:::BEGIN
{
	printf("BEGIN is the first");
	ticks = 0;
}
