// fasttrap -q -s FILE
//
// trunc() keeps the greatest, of a negative number the least; without a number it leaves nothing. clear() leaves the
// keys.
BEGIN
{
	@top["a"] = sum(1);
	@top["b"] = sum(5);
	@top["c"] = sum(3);
	@top["d"] = sum(4);
	trunc(@top, 2);
	printa("top %s %@d\n", @top);
	@low["a"] = sum(1);
	@low["b"] = sum(5);
	@low["c"] = sum(3);
	trunc(@low, -1);
	printa("low %s %@d\n", @low);
	@gone[1] = count();
	trunc(@gone);
	printa("gone %d %@d\n", @gone);
	clear(@top);
	printa("cleared %s %@d\n", @top);
	exit(0);
}
