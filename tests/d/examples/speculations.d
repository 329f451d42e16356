// fasttrap -q -x nspec=2 -s FILE
//
// What is speculated is printed when it is committed, in the place of the commit, and never when it is discarded.
BEGIN
{
	self->kept = speculation();
	self->dropped = speculation();
	printf("%d\n", self->kept > 0 && self->dropped > 0 && self->kept != self->dropped);
}

BEGIN
{
	speculate(self->kept);
	printf("kept: first\n");
}

BEGIN
{
	speculate(self->dropped);
	printf("dropped\n");
}

BEGIN
{
	printf("not speculated\n");
}

BEGIN
{
	speculate(self->kept);
	printf("kept: second\n");
}

BEGIN
{
	commit(self->kept);
	discard(self->dropped);
}

BEGIN
{
	printf("after the commit\n");
	exit(0);
}
