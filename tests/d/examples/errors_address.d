// fasttrap -q -s FILE
// exits 4
//
// Addresses that nobody has: of the tracer's own, and of a process where there is none.
BEGIN
{
	trace(*(int *)NULL);
}

BEGIN
{
	trace(stringof((char *)0x10));
}

BEGIN
/(*(char *)8) == 1/
{
	printf("never\n");
}

BEGIN
{
	exit(4);
}

ERROR
{
	printf("%s %d 0x%x\n", arg4 == DTRACEFLT_BADADDR ? "bad address" : "another", arg2, arg5);
}
