// fasttrap -q -s FILE
//
// Structures are laid out as the C compiler lays them out.
struct point {
	char tag;
	int x;
	short y;
	int64_t z;
	char name[5];
};

struct line {
	struct point from, to;
	struct line *next;
};

BEGIN
{
	printf("%d %d\n", sizeof (struct point), sizeof (struct line));
	printf("%d %d ", offsetof(struct point, tag), offsetof(struct point, x));
	printf("%d %d %d\n", offsetof(struct point, y), offsetof(struct point, z), offsetof(struct point, name));
	printf("%d %d\n", offsetof(struct line, to), offsetof(struct line, next));
	this->p = (struct point *)alloca(sizeof (struct point));
	this->p->x = -3;
	this->p->y = 70000;
	this->p->z = 1LL << 33;
	this->p->tag = 'T';
	this->p->name[0] = 'n';
	this->p->name[1] = '\0';
	printf("%c %d %d %d %s\n", this->p->tag, this->p->x, this->p->y, this->p->z, stringof(this->p->name));
	printf("%d %d\n", (*this->p).x, sizeof (this->p->name));
	printf("%d\n", *(int *)((uintptr_t)this->p + offsetof(struct point, x)));
	exit(0);
}
