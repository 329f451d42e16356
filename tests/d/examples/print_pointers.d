// fasttrap -q -x printsize=40 -s FILE
//
// print() of a pointer shows what it leads to, up to printsize bytes; the pointers in it are addresses.
enum color { RED, GREEN = 5 };
struct point {
	unsigned int low : 3;
	int middle : 5;
	char name[4];
	double weight;
};
struct shape {
	struct point *first;
	struct point origin;
	enum color color;
	void (*draw)(int);
	int64_t rest;
};

BEGIN
{
	this->s = (struct shape *)alloca(sizeof (struct shape));
	this->s->first = (struct point *)0x1234;
	this->s->origin.low = 5;
	this->s->origin.middle = -2;
	this->s->origin.name[0] = 'h';
	this->s->origin.name[1] = '\n';
	*((uint64_t *)this->s + 2) = 0x3ff8000000000000;
	this->s->color = (enum color)7;
	this->s->draw = (void (*)(int))0x99;
	this->s->rest = -1;
	print(this->s);
	print(*this->s);
	print(&this->s->origin.name);
	print((int *)&this->s->rest);
	print(this->s->first == NULL);
	this->p = (short *)&this->s->rest;
	print(this->p++);
	print(this->p - 1 == (short *)&this->s->rest);
	print((string)"text");
	exit(0);
}
