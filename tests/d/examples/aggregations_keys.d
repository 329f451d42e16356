// fasttrap -q -s FILE
//
// A table has its rows in the order of their values, of equal values in that of their keys; integers stand in columns
// by their size, strings on the left.
BEGIN
{
	@a["pear"] = sum(3);
	@a["apple"] = sum(1);
	@a["plum"] = sum(2);
	@a["fig"] = sum(2);
	@b[1, "x"] = count();
	@b[1, "y"] = count();
	@b[1, "x"] = count();
	@c[(char)1, (short)2, 3, 4LL] = max(-5);
	@d["a string that is longer than the column of fifty characters that it has"] = count();
	exit(0);
}
