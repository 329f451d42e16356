// fasttrap -q -s FILE
//
// Several aggregations with keys of the same kinds are printed side by side, in the order of the first; a key that one
// of them lacks has 0 there.
BEGIN
{
	@calls["a"] = count();
	@calls["a"] = count();
	@calls["b"] = count();
	@bytes["a"] = sum(10);
	@bytes["b"] = sum(300);
	@largest["b"] = max(200);
	printa("%s: %@d calls, %@d bytes, %@d at most\n", @calls, @bytes, @largest);
	printa("%-5s%@5d%@5d\n", @calls, @bytes);
	exit(0);
}
