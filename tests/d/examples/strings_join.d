// fasttrap -q -s FILE
//
// Strings are joined, turned and made of numbers.
BEGIN
{
	printf("[%s] [%s]\n", strjoin("fast", "trap"), strjoin("", ""));
	printf("[%s]\n", strjoin(strjoin("a", ","), strjoin("b", ",c")));
	printf("%s %s\n", toupper("MiXed 123"), tolower("MiXed 123"));
	printf("%s %s %s\n", lltostr(42), lltostr(-42), lltostr(255, 16));
	printf("%s %s\n", lltostr(8, 8), lltostr(-1, 16));
	printf("%d %d %d\n", strtoll("1234"), strtoll("-12x"), strtoll("ff", 16));
	printf("%d %d\n", strtoll("0777", 8), strtoll("nothing"));
	exit(0);
}
