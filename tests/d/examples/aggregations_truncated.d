// fasttrap -q -s FILE
//
// trunc() keeps the entries with the greatest values; with a negative number those with the least; with 0, or without a
// number, none.
BEGIN
{
	@a["one"] = sum(1);
	@a["two"] = sum(2);
	@a["minus"] = sum(-3);
	@a["ten"] = sum(10);
	@d[1] = lquantize(5, 0, 10);
	@d[2] = lquantize(5, 0, 10, 1, 3);
	trunc(@a, 3);
	printa(@a);
	trunc(@a, -2);
	printa(@a);
	trunc(@a, 99);
	printa(@a);
	trunc(@d, -1);
	printa("%d%@d\n", @d);
	trunc(@d, 0);
	trunc(@a);
	@b["k"] = max(-5);
	@c["k"] = min(4);
	@c["l"] = min(6);
	printa("%-4s%@4d%@4d%@4d|\n", @b, @c);
	printa("%@d of %s\n", @b);
	exit(0);
}
