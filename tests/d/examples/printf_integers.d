// fasttrap -q -s FILE
//
// Integers by all conversions, with flags, width and precision; the size of the argument needs no letter.
BEGIN
{
	printf("[%d] [%i] [%u] [%x] [%X] [%o]\n", 42, -42, 42, 255, 255, 8);
	printf("[%5d] [%-5d] [%05d] [%+d] [% d]\n", 42, 42, 42, 42, 42);
	printf("[%5d] [%-5d] [%05d] [%+d] [% d]\n", -42, -42, -42, -42, -42);
	printf("[%#x] [%#X] [%#o] [%#x]\n", 255, 255, 8, 0);
	printf("[%.5d] [%8.5d] [%-8.3d]\n", 42, 42, 42);
	printf("[%hd] [%ld] [%lld] [%hhd]\n", 1, 2, 3, 4);
	printf("[%*d] [%-*d] [%.*d]\n", 6, 42, 6, 42, 4, 42);
	printf("[%x] [%x] [%u]\n", (char)-1, -1, (short)-1);
	printf("[%d] [%x]\n", -1LL, -1LL);
	printf("[%u]\n", 0xffffffffffffffff);
	printf("[%p] [%p]\n", 0x1234, (void *)0xdeadbeef);
	printf("[%d%%] [%%]\n", 50);
	printf("[%'d]\n", 1234567);
	exit(0);
}
