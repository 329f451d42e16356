// fasttrap -q -x defaultargs -s FILE 5
//
// With defaultargs what was not given is 0, or an empty string.
BEGIN
{
	printf("%d %d [%s] [%s]\n", $1, $2, $$1, $$3);
	exit(0);
}
