// fasttrap -q -x nspec=3 -s FILE
//
// A clause may commit several speculations, in its own order, as Oracle's dtrace has it; each is printed once.

BEGIN
{
	self->a = speculation();
	self->b = speculation();
	self->c = speculation();
}

BEGIN
{
	speculate(self->a);
	printf("first\n");
}

BEGIN
{
	speculate(self->b);
	printf("second\n");
}

BEGIN
{
	speculate(self->c);
	printf("third\n");
}

BEGIN
{
	commit(self->c);
	discard(self->b);
	commit(self->a);
	commit(self->b);
	commit(self->c);
}

BEGIN
{
	exit(0);
}
