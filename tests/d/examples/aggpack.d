// fasttrap -q -x aggsortkey -x aggpack -s FILE
//
// aggpack draws each distribution in a line, all of them with the same buckets.
BEGIN
{
	@["small"] = quantize(3);
	@["large"] = quantize(1000);
	@["large"] = quantize(1001);
	@["large"] = quantize(3);
	exit(0);
}
