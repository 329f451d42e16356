// fasttrap -q -s FILE
//
// A translator makes one structure of another; only the members that are asked for are computed.
struct raw {
	int64_t a;
	int64_t b;
};

typedef struct summary {
	int total;
	int64_t product;
	string word;
	int bad;
} summary_t;

translator summary_t < struct raw *r > {
	total = r->a + r->b;
	product = r->a * r->b;
	word = r->a > r->b ? "more" : "less";
	bad = *(int *)NULL;
};

BEGIN
{
	this->r = (struct raw *)alloca(sizeof (struct raw));
	this->r->a = 6;
	this->r->b = 7;
	printf("%d ", xlate <summary_t> (this->r).total);
	printf("%d ", xlate <summary_t *> (this->r)->product);
	printf("%s\n", xlate <summary_t> (this->r).word);
	exit(0);
}
