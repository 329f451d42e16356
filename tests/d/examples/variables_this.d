// fasttrap -q -s FILE
//
// Clause-local variables keep their value from clause to clause of one firing, and are no one's afterwards.
this int x;

BEGIN
{
	this->x = 5;
	this->s = "text";
}

BEGIN
/this->x == 5/
{
	printf("%d %s\n", this->x, this->s);
	this->x++;
}

BEGIN
{
	printf("%d\n", this->x);
	x = 1;
	printf("%d %d\n", x, this->x);
	exit(0);
}
