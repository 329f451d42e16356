// fasttrap -q -s FILE
//
// A global variable has the type of what is first assigned to it, begins as 0, and lives as long as the program.
int narrow;
string greeting;
int64_t wide;

BEGIN
{
	printf("%d [%s] %d\n", narrow, greeting, wide);
	narrow = 0x100000005;
	greeting = "hello";
	wide = 0x100000005;
	implicit = 1000000000000;
	text = "implicit text";
}

BEGIN
{
	printf("%d [%s] %d\n", narrow, greeting, wide);
	printf("%d %d %s\n", sizeof (implicit), implicit, text);
	exit(0);
}
