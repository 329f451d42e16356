// fasttrap -q -s FILE
//
// Names for constants and expressions, with and without parameters, which are put in where they are used.
inline int LIMIT = 10;
inline string NAME = "inline";
inline int64_t TWICE = LIMIT * 2;
inline int square[int x] = x * x;
inline int plus[int a, int b] = a + square[b];

BEGIN
{
	printf("%d %s %d\n", LIMIT, NAME, TWICE);
	printf("%d %d\n", square[7], plus[1, 3]);
	exit(0);
}
