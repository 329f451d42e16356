// fasttrap -q -x scratchsize=64 -s FILE
//
// alloca() fails when the clause has no scratch space left; the next clause has all of it again.
BEGIN
{
	this->p = alloca(48);
	this->q = alloca(48);
	printf("never\n");
}

BEGIN
{
	this->p = alloca(48);
	printf("again\n");
	exit(0);
}

ERROR
{
	printf("fault %d\n", arg4);
}
