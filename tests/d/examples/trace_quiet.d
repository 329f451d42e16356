// fasttrap -s FILE
//
// Quiet, by a pragma: trace() prints only its value, without blanks and without the end of a line.
#pragma D option quiet

BEGIN
{
	trace(1);
	trace(-2LL);
	trace("three");
	trace((char)4);
	printf("\n");
	exit(0);
}
