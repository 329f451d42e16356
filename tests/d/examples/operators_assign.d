// fasttrap -q -s FILE
//
// The assignments of C, each of which has a value, and both forms of ++ and --.
BEGIN
{
	x = 10;
	printf("%d", x += 5);
	printf(" %d", x -= 3);
	printf(" %d", x *= 4);
	printf(" %d", x /= 5);
	printf(" %d", x %= 5);
	printf(" %d", x <<= 4);
	printf(" %d", x >>= 1);
	printf(" %d", x |= 3);
	printf(" %d", x &= 0x1a);
	printf(" %d\n", x ^= 0xff);
	printf("%d %d %d ", x++, ++x, x);
	printf("%d %d %d\n", x--, --x, x);
	a = b = 7;
	printf("%d %d\n", a, b);
	exit(0);
}
