// fasttrap -q -s FILE
//
// A cast cuts to the size of its type, and extends by the sign of what is cast.
BEGIN
{
	printf("%d %d %d %d\n", (char)300, (uint8_t)300, (short)-70000, (int8_t)(uint8_t)200);
	printf("%x %x %x\n", (int64_t)(int)0x80000000, (uint64_t)(uint32_t)-1, (uint32_t)-1LL);
	x = 0x1ffffff80;
	this->c = (char)x;
	this->u = (uint16_t)x;
	this->i = (int)x;
	printf("%d %d %d %d\n", this->c, this->u, this->i, sizeof (this->c));
	printf("%d %d\n", (uint64_t)this->c == 0xffffffffffffff80, (uint64_t)this->u == 0xff80);
	printf("%d %d %d\n", 1 << 64, 1 << -1 == 1 << 63, -1 >> 70);
	printf("%d %d\n", -1 < 1U, (int8_t)-1 < (uint8_t)1);
	exit(0);
}
