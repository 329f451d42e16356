// fasttrap -q -x strsize=12 -s FILE
//
// A string has room for strsize bytes, the last of them 0.
BEGIN
{
	s = "0123456789abcdef";
	printf("[%s] %d %d\n", s, strlen(s), sizeof (s));
	t = strjoin("01234567", "89abcdef");
	printf("[%s]\n", t);
	exit(0);
}
