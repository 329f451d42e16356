// fasttrap -q -s FILE
//
// Flags, width, precision and the mark of an aggregation stand in any order.
BEGIN
{
	@a[1] = sum(-3);
	printa("%9@d|%@9d|%-9@d|%@-9d|%09@d|%5.3@d|%@x\n", @a);
	printf("|%-5d|%5.2d|%10.*d|%*.*d|%05.3d|%.10d|% d|%0-5d|\n", 1, 2, 4, 5, 6, 3, 7, 8, 9, 10, 11);
	printf("%?x|%.s|%.3s|%-6.2s|%*s|%-*s|\n", 255, "abc", "abcdef", "xyz", 5, "r", 5, "l");
	printf("|%*d|%*d|%+5d|%+-5d|%#10x|%#-10o|%#010x|\n", -5, 1, 5, -1, 3, 3, 255, 8, 255);
	printf("%ld %hhd %lld %hx\n", -1LL, (char)-1, 5, 70000);
	printf("%5c|%-5c|%05d|%5s|%%\n", 'a', 'b', -3, "s");
	exit(0);
}
