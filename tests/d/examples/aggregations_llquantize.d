// fasttrap -q -s FILE
//
// llquantize(value, 10, 0, 3, 10) has ten steps for each power of ten from 10^0 on; of the first power there are only
// nine numbers. What is below it on both sides of 0 is one row, as in Oracle's DTrace.
BEGIN
{
	@ll = llquantize(0, 10, 0, 3, 10);
	@ll = llquantize(3, 10, 0, 3, 10);
	@ll = llquantize(35, 10, 0, 3, 10);
	@ll = llquantize(37, 10, 0, 3, 10);
	exit(0);
}
