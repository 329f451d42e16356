// fasttrap -q -w -s FILE
//
// chill() keeps nobody for more than half of a second in a second; more is an illegal operation.
BEGIN
{
	chill(500000001);
}

BEGIN
{
	chill(-1);
}

BEGIN
{
	chill(250000000);
	chill(250000000);
	printf("half a second\n");
}

BEGIN
{
	chill(1);
}

BEGIN
{
	exit(0);
}

ERROR
{
	printf("%d\n", arg4 == DTRACEFLT_ILLOP);
}
