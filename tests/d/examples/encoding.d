// fasttrap -q -x encoding=utf8 -x aggzoom -s FILE
//
// encoding=utf8 draws bars to an eighth of a column; with aggzoom the longest has 38 columns.
int n;

tick-1ms
/n < 8/
{
	@ = lquantize(n, 0, 4, 1, n + 1);
	n++;
}

tick-1ms
/n == 8/
{
	exit(0);
}
