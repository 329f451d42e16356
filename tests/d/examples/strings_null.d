// fasttrap -q -s FILE
//
// What is not found is NULL: it can be compared, and is empty in a variable, but there are no bytes to print or to look
// into.
BEGIN
{
	this->found = strchr("abc", 'z');
	printf("%d [%s]\n", this->found == NULL, this->found);
	printf("%s\n", strstr("abc", "zz") == NULL ? "none" : "one");
}

BEGIN
{
	printf("never [%s]\n", strstr("abc", "zz"));
}

BEGIN
{
	trace(strlen(strrchr("abc", 'z')));
}

BEGIN
{
	@[json("{}", "a")] = count();
}

BEGIN
{
	trace(strtok(NULL, ","));
}

BEGIN
{
	trace(strjoin("a", 1 ? strchr("abc", 'z') : "b"));
}

BEGIN
{
	exit(0);
}
