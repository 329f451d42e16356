// fasttrap -q -s FILE
//
// %Y is a time of day, of nanoseconds since 1970, in the time zone of the tracer (UTC in this test).
BEGIN
{
	printf("%Y\n", 0LL);
	printf("%Y\n", 1000000000 * 1000000000LL);
	printf("%Y\n", 951782399 * 1000000000LL);
	printf("%Y\n", (951782399 + 1) * 1000000000LL);
	exit(0);
}
