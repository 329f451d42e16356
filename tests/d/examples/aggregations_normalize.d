// fasttrap -q -s FILE
//
// normalize() divides what is printed, not what is kept; denormalize() takes that back.
BEGIN
{
	@a["x"] = sum(1000);
	@a["y"] = sum(2500);
	@q = quantize(8, 100);
	normalize(@a, 1000);
	normalize(@q, 10);
	printa("%s %@d\n", @a);
	printa(@q);
	denormalize(@a);
	printa("%s %@d\n", @a);
	trunc(@a);
	trunc(@q);
	exit(0);
}
