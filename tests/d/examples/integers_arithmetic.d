// fasttrap -q -s FILE
//
// Integers have 64 bits, with a sign or without one; a quotient is cut towards zero, and a remainder has the sign of
// the dividend.
BEGIN
{
	printf("%d %d %d\n", 7 + 3 * 2, (7 + 3) * 2, 7 - 3 - 2);
	printf("%d %d %d %d\n", 7 / 2, -7 / 2, 7 / -2, -7 / -2);
	printf("%d %d %d %d\n", 7 % 3, -7 % 3, 7 % -3, -7 % -3);
	printf("%d %u\n", 0x7fffffffffffffff + 1, 0x7fffffffffffffff + 1);
	printf("%d\n", 0x100000001LL * 0x100000001LL);
	printf("%d\n", 123456789012345678 * 1000 / 1000);
	printf("%u\n", 0xffffffffffffffff / 3);
	printf("%d %u\n", -1LL, -1LL);
	printf("%d %d\n", - -5, +5);
	exit(0);
}
