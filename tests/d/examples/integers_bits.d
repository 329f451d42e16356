// fasttrap -q -s FILE
//
// Shifts of numbers with a sign keep it; `^^` is the exclusive or of truths, which C does not have.
BEGIN
{
	printf("%d %d %d\n", 1LL << 40, -16 >> 2, -1LL << 63 >> 63);
	printf("%u %x\n", 0xf000000000000000 >> 60, (uint64_t)-1 >> 4);
	printf("%x %x %x %x\n", 0xf0f0 & 0xff00, 0xf0f0 | 0x0f0f, 0xf0f0 ^ 0xffff, ~0xffLL);
	printf("%d %d %d %d\n", 1 ^^ 0, 0 ^^ 1, 2 ^^ 1, 0 ^^ 0);
	printf("%d %d %d %d\n", 2 && 1, 2 && 0, 0 || 3, 0 || 0);
	printf("%d %d %d\n", !0, !7, !!7);
	printf("%d\n", 1 | 2 ^ 3 & 1 << 1);
	exit(0);
}
