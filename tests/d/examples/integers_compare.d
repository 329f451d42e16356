// fasttrap -q -s FILE
//
// What is compared is unsigned as soon as one side is an unsigned number of at least the other's size.
BEGIN
{
	printf("%d %d %d %d\n", 1 < 2, 2 <= 1, 2 > 1, 1 >= 1);
	printf("%d %d\n", -1 < 1, -1LL < 1);
	printf("%d %d\n", -1 < 1ULL, (uint64_t)-1 > 1);
	printf("%d %d\n", 0x8000000000000000 > 0, (int64_t)0x8000000000000000 > 0);
	printf("%d %d\n", 3 == 3, 3 != 3);
	printf("%d\n", 1 < 2 == 2 > 1);
	exit(0);
}
