// fasttrap -q -s FILE
//
// D` and C` in front of a type's name say whose it is.
typedef int count_t;
struct entry {
	D`count_t count;
	C`uint8_t flag;
};
D`count_t total;

BEGIN
{
	this->e = (struct D`entry *)alloca(sizeof (struct D`entry));
	this->e->count = (D`count_t)7;
	total = this->e->count * 6;
	printf("%d %d %d\n", total, sizeof (D`count_t), sizeof (struct entry));
	exit(0);
}
