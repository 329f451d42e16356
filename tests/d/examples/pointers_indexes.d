// fasttrap -q -s FILE
//
// An index of an array in a variable is checked when it is used; one of memory is not, but the memory is.
int numbers[3];
this int locals[2];
struct grid {
	int cells[2][3];
};
struct grid grids[int];

BEGIN
{
	i = 2;
	numbers[i] = 7;
	this->locals[i - 1] = 8;
	grids[5].cells[i - 1][i] = 9;
	printf("%d %d %d\n", numbers[2], this->locals[1], grids[5].cells[1][2]);
}

BEGIN
{
	numbers[i + 1] = 1;
}

BEGIN
{
	i = -1;
	trace(numbers[i]);
}

BEGIN
{
	i = 2;
	trace(grids[5].cells[i][0]);
}

BEGIN
{
	exit(0);
}

ERROR
{
	printf("%d: %d\n", arg4 == DTRACEFLT_BADINDEX, arg5);
}
