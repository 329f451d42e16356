// fasttrap -q -b 600 -x switchrate=10ms -s FILE
//
// What does not fit into the buffer until it is read next is dropped, and counted by CPU.
BEGIN
{
	printf("%s\n", "first");
}

BEGIN
{
	printf("%s\n", "second");
}

BEGIN
{
	printf("%s\n", "third");
}

tick-50ms
{
	exit(0);
}
