// fasttrap -q -s FILE
//
// Subroutines copy no more than alloca() has taken, and it is taken for one clause alone.
BEGIN
{
	this->a = (char *)alloca(8);
	this->b = (char *)alloca(16);
	this->b[15] = 'z';
	bcopy(this->b + 8, this->a, 8);
	printf("%c\n", this->a[7]);
}

BEGIN
{
	this->a = alloca(8);
	this->b = alloca(16);
	bcopy(this->b, this->a, 25);
}

BEGIN
{
	this->a = alloca(64);
	copyinto(0, 65, this->a);
}

BEGIN
{
	this->a = alloca(64);
	bcopy(this->a, this->a, -1);
}

BEGIN
{
	this->a = (char *)alloca(8);
	*this->a = 'a';
	this->kept = this->a;
}

BEGIN
{
	trace(*this->kept);
}

BEGIN
{
	this->a = (char *)alloca(8);
	trace(this->a[8]);
}

BEGIN
{
	exit(0);
}

ERROR
{
	printf("%s\n", arg4 == DTRACEFLT_BADSIZE ? "size" : arg4 == DTRACEFLT_BADADDR ? "address" : "another");
}
