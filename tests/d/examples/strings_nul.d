// fasttrap -q -s FILE
//
// A string ends at its first NUL, wherever it is used.
BEGIN
{
	counts["key\0one"] = 1;
	printf("%d %d %d\n", counts["key"], strlen("key\0one"), "key\0one" == "key");
	printf("[%s] [%S] [%s]\n", "a\0b", "a\0b", strjoin("a\0b", "c"));
	@["a\0b"] = count();
	@["a"] = count();
	@[""] = count();
	this->text = (char *)alloca(8);
	this->text[0] = 'x';
	this->text[2] = 'y';
	printf("[%s] %d\n", stringof(this->text), strlen(this->text));
	tracemem(this->text, 3);
	exit(0);
}
