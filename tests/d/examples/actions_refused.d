// fasttrap -q -s FILE
// exits 1
//
// A destructive action without -w is refused, and nothing has run.
BEGIN
{
	printf("never\n");
	system("echo never");
	exit(0);
}
