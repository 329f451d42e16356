// fasttrap -q -s FILE
//
// A number that speculation() does not give is an error; 0 means none.

BEGIN
{
	this->s = speculation();
	self->s = this->s;
}

BEGIN
{
	speculate(self->s);
}

BEGIN
{
	commit(-1);
}

BEGIN
{
	discard(2);
}

BEGIN
{
	speculate(7);
	printf("never\n");
}

BEGIN
{
	speculate(0);
	printf("never\n");
}

BEGIN
{
	commit(0);
	discard(0);
}

BEGIN
{
	commit(self->s);
}

BEGIN
{
	commit(self->s);
}

BEGIN
{
	printf("%d\n", speculation() == self->s);
	exit(0);
}
