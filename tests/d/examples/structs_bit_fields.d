// fasttrap -q -s FILE
//
// Bit-fields are filled from the low bit on, and those of a type with a sign have one.
struct flags {
	unsigned int low : 3;
	int middle : 5;
	unsigned int high : 8;
	unsigned int rest : 16;
};

BEGIN
{
	this->word = (uint32_t *)alloca(sizeof (struct flags));
	*this->word = 0xabcd12f5;
	this->f = (struct flags *)this->word;
	printf("%d\n", sizeof (struct flags));
	printf("%d %d 0x%x 0x%x\n", this->f->low, this->f->middle, this->f->high, this->f->rest);
	exit(0);
}
