// fasttrap -q -x nspec=1 -s FILE
//
// There are as many speculations as nspec says; what wants one more gets 0, which is counted. Speculating to 0 does
// nothing.
BEGIN
{
	this->a = speculation();
	this->b = speculation();
	printf("%d %d\n", this->a, this->b);
}

BEGIN
{
	speculate(this->b);
	printf("never printed\n");
}

BEGIN
{
	commit(this->b);
}

BEGIN
{
	exit(0);
}
