// fasttrap -q -s FILE
//
// Of several aggregations aggsortpos says which one has the order.
#pragma D option aggsortpos=1

BEGIN
{
	@n["a"] = sum(1);
	@m["a"] = sum(30);
	@n["b"] = sum(2);
	@m["b"] = sum(20);
	@n["c"] = sum(3);
	@m["c"] = sum(10);
	printa("%s %@d %@d\n", @n, @m);
	trunc(@n);
	trunc(@m);
	exit(0);
}
