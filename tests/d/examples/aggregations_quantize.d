// fasttrap -q -s FILE
//
// quantize() counts by powers of two, of both signs. There is an empty row in front of the first and behind the last.
int i;

BEGIN
{
	@q = quantize(0);
	@q = quantize(1);
	@q = quantize(2);
	@q = quantize(3);
	@q = quantize(7);
	@negative["below"] = quantize(-1);
	@negative["below"] = quantize(-5);
	@negative["weighted"] = quantize(100, 3);
	@negative["weighted"] = quantize(1000);
	exit(0);
}
