// fasttrap -q -s FILE
// exits 1
//
// An argument that was not given is a mistake.
BEGIN
{
	printf("%d\n", $1);
	exit(0);
}
