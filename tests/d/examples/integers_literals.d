// fasttrap -q -s FILE
//
// Decimal, octal and hexadecimal constants, characters with their escapes, and the suffixes of C.
BEGIN
{
	printf("%d %d %d\n", 10, 010, 0x10);
	printf("%d %d %d\n", 10L, 10UL, 0XaBcLL);
	printf("%d %d %d %d\n", 'a', '\n', '\0', '\\');
	printf("%d %d %d\n", '\x41', '\101', '\'');
	printf("%d %d\n", sizeof 2147483647, sizeof 2147483648);
	printf("%d %d\n", sizeof 'a', sizeof 1ULL);
	exit(0);
}
