// fasttrap -s FILE
//
// A clause that only speculates records that its probe fired.
BEGIN
{
	self->s = speculation();
}

BEGIN
{
	speculate(self->s);
}

BEGIN
{
	commit(self->s);
}

BEGIN
/self->s/
{
	exit(0);
}
