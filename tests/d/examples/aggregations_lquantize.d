// fasttrap -q -s FILE
//
// lquantize() counts in steps of one size between two bounds, and what is beyond them together.
BEGIN
{
	@l = lquantize(0, 0, 100, 10);
	@l = lquantize(5, 0, 100, 10);
	@l = lquantize(25, 0, 100, 10);
	@l = lquantize(29, 0, 100, 10);
	@edges = lquantize(-1, 0, 4);
	@edges = lquantize(3, 0, 4);
	@edges = lquantize(4, 0, 4);
	@edges = lquantize(400, 0, 4);
	exit(0);
}
