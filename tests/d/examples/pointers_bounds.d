// fasttrap -q -s FILE
//
// Memory of alloca() is what the clause has asked for: beyond it there is nothing to write to.
BEGIN
{
	this->a = (char *)alloca(8);
	this->a[7] = 'x';
	printf("%c\n", this->a[7]);
}

BEGIN
{
	this->b = (int64_t *)alloca(8);
	this->b[4000000] = 1;
}

BEGIN
{
	exit(0);
}

ERROR
{
	printf("%d\n", arg4 == DTRACEFLT_BADADDR);
}
