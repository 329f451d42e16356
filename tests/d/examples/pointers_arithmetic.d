// fasttrap -q -s FILE
//
// Pointers count in elements; the difference of two is a number of elements.
BEGIN
{
	this->a = (int *)alloca(5 * sizeof (int));
	this->a[0] = 10;
	this->a[1] = 11;
	*(this->a + 2) = 12;
	this->p = this->a + 4;
	*this->p = 14;
	printf("%d %d %d %d\n", *this->a, this->a[1], *(2 + this->a), this->a[4]);
	printf("%d %d\n", this->p - this->a, (uintptr_t)this->p - (uintptr_t)this->a);
	this->p--;
	*this->p = 13;
	printf("%d %d\n", this->a[3], this->p > this->a);
	printf("%d\n", &this->a[3] == this->p);
	printf("%d\n", *&this->a[3]);
	exit(0);
}
