// fasttrap -q -x errtags -s FILE
// exits 1
//
// What cannot be compiled is said with its line, and with errtags with the tag of the mistake.
BEGIN
{
	x = 5;
	x = "five";
}
