// fasttrap -q -s FILE
//
// Values have a sign, and an average is cut towards zero.
BEGIN
{
	@sum = sum(-5);
	@sum = sum(2);
	@avg = avg(-5);
	@avg = avg(2);
	@min = min(-7LL);
	@min = min(3);
	@max = max(-7LL);
	@max = max(-9);
	printa("%@d\n", @sum);
	printa("%@d\n", @avg);
	printa("%@d %@x\n", @min, @min);
	printa("%@d\n", @max);
	exit(0);
}
