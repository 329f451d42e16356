// fasttrap -q -s FILE
//
// Operators compute with 64 bits; what is recorded, printed or used as a key has the size of its type.
BEGIN
{
	printf("%d %u %x\n", -5 / 2U, ~(uint8_t)1, ~(uint16_t)1);
	trace(-(uint8_t)5);
	trace(" ");
	trace(1000000000 * 1000000000);
	trace(" ");
	trace(1000000000 * 1000000000LL);
	printf("\n");
	print(-(uint8_t)5);
	x = 0xffff;
	trace((uint8_t)x + (uint8_t)x);
	trace(" ");
	trace((char)x * 2);
	trace(" ");
	trace(x << 48);
	printf("\n%d %d %d\n", 1 << 31, 1LL << 31, (int)(1LL << 31));
	@[-(uint8_t)5] = sum(-(uint8_t)5);
	@[(uint8_t)251] = sum(1);
	exit(0);
}
