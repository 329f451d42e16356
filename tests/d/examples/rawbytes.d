// fasttrap -x rawbytes -s FILE
//
// rawbytes has all that is no integer printed as its bytes, strings without what is behind their end.
#pragma D option strsize=8

BEGIN
{
	s = "abc";
	trace(s);
	exit(0);
}
