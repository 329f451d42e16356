// fasttrap -q -x aggsortkey -x agghist -x aggzoom -s FILE
//
// agghist draws each row's share of the whole.
BEGIN
{
	@["a"] = sum(1);
	@["b"] = sum(3);
	exit(0);
}
