// fasttrap -q -s FILE
//
// print() shows a value by its type.
enum color { RED, GREEN };

struct point {
	int x;
	int64_t y;
	char name[4];
	enum color color;
	struct {
		uint8_t a;
		uint8_t b[2];
	} inner;
};

BEGIN
{
	this->p = (struct point *)alloca(sizeof (struct point));
	this->p->x = -1;
	this->p->y = 255;
	this->p->name[0] = 'h';
	this->p->name[1] = 'i';
	this->p->color = GREEN;
	this->p->inner.a = 7;
	this->p->inner.b[1] = 8;
	print(*this->p);
	printf("\n");
	print(this->p->x);
	printf("\n");
	print("text");
	printf("\n");
	print(this->p->color);
	printf("\n");
	exit(0);
}
