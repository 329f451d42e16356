// fasttrap -q -s FILE
//
// An error in ERROR itself fires nothing more.
BEGIN
{
	trace(*(int *)NULL);
}

BEGIN
{
	exit(0);
}

ERROR
{
	printf("once\n");
}

ERROR
{
	trace(1 / (arg4 - arg4));
}
