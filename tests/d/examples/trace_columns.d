// fasttrap -s FILE
//
// Without -q each firing is a line: its CPU, its probe's number, its function and name, and what was recorded in
// columns by its size.
BEGIN
{
}

BEGIN
{
	trace((char)1);
	trace((short)2);
	trace(3);
	trace(4LL);
	trace("five");
}

BEGIN
{
	printf("%s", "printf has no columns");
}

BEGIN
{
	trace(-1);
	printf(" between ");
	trace("text");
	exit(0);
}
