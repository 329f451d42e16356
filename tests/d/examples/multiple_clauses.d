// fasttrap -q -s FILE
// exits 3
//
// The clauses of one probe run in the order of the program, each with a predicate of its own.
BEGIN
{
	n = 1;
}

BEGIN
/n == 1/
{
	printf("first: n is %d\n", n);
	n = 2;
}

BEGIN
/n == 1/
{
	printf("not this one\n");
}

BEGIN, END
/n > 1/
{
	printf("%s: n is %d\n", probename, n++);
}

dtrace:::BEGIN
{
	exit(n);
}
