// fasttrap -q -s FILE
//
// Constants of enumerations are integers with names; print() knows them.
enum color { RED, GREEN = 5, BLUE, NEGATIVE = -1 };
typedef enum color color_t;

inline color_t FAVOURITE = BLUE;

BEGIN
{
	printf("%d %d %d %d\n", RED, GREEN, BLUE, NEGATIVE);
	printf("%d %d\n", FAVOURITE, sizeof (color_t));
	this->c = GREEN;
	printf("%d\n", this->c == GREEN ? 1 : 0);
	printf("%d\n", (color_t)6 == BLUE);
	exit(0);
}
