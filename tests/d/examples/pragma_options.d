// fasttrap -s FILE
//
// Options of the program itself: quiet, sizes, and an attribute of what it declares.
#pragma D option quiet
#pragma D option strsize=16
#pragma D option dynvarsize=64k
#pragma D attributes Evolving/Evolving/Common mine

int mine;

BEGIN
{
	mine = 3;
	printf("%d %d %s\n", mine, sizeof (string), "0123456789abcdef");
	exit(0);
}
