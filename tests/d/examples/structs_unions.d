// fasttrap -q -s FILE
//
// The members of a union share their bytes; the machine puts the low ones first.
union number {
	int64_t wide;
	int32_t narrow[2];
	uint8_t bytes[8];
};

BEGIN
{
	this->n = (union number *)alloca(sizeof (union number));
	this->n->wide = 0x1122334455667788;
	printf("%x %x\n", this->n->narrow[0], this->n->narrow[1]);
	printf("%x %x\n", this->n->bytes[0], this->n->bytes[7]);
	this->n->bytes[0] = 0xff;
	printf("%x %d\n", this->n->wide, sizeof (union number));
	exit(0);
}
