// fasttrap -q -s FILE
//
// bcopy() copies within the program's own memory, getmajor() and getminor() take a device apart, and rand() differs.
BEGIN
{
	this->a = (char *)alloca(8);
	this->b = (char *)alloca(8);
	this->a[0] = 'o';
	this->a[1] = 'k';
	bcopy(this->a, this->b, 8);
	printf("%s\n", stringof(this->b));
	printf("%d\n", getmajor(8 << 20 | 1) * 1000 + getminor(8 << 20 | 1));
	this->r = rand();
	this->q = rand();
	printf("%d\n", this->r != this->q || rand() != this->r);
	exit(0);
}
