// fasttrap -q -b 900 -x bufpolicy=ring -s FILE
//
// A ring keeps what was recorded last, and is printed at the end. Records are not cut: when the fourth had taken the place of
// the first, what exit() records took that of the second.
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

BEGIN
{
	printf("%s\n", "fourth");
}

BEGIN
{
	exit(0);
}
