// fasttrap -q -s FILE
// exits 1
//
// A program may refuse to be compiled.
#pragma D error this program is not for you

BEGIN
{
	exit(0);
}
