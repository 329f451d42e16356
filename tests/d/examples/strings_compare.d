// fasttrap -q -s FILE
//
// Strings are compared by their bytes, up to their end or strsize.
BEGIN
{
	printf("%d %d %d\n", "abc" == "abc", "abc" == "abd", "abc" != "ab");
	printf("%d %d %d %d\n", "abc" < "abd", "abc" < "ab", "B" < "a", "" < "a");
	printf("%d %d\n", "abc" <= "abc", "abc" > "abb");
	this->s = "abc";
	printf("%d\n", this->s == "abc" ? 1 : 0);
	printf("%c %d\n", this->s[1], this->s[3]);
	exit(0);
}

END
/execname == "dtrace" && probename >= "END"/
{
	printf("end\n");
}
