// fasttrap -q -s FILE
//
// Names for types, also for pointers, arrays and functions, and structures that are declared later.
typedef unsigned long counter_t;
typedef struct node node_t;
typedef int row_t[4];
typedef int (*callback_t)(int, void *);

struct node {
	counter_t value;
	node_t *next;
	row_t row;
	callback_t callback;
};

BEGIN
{
	this->a = (node_t *)alloca(sizeof (node_t));
	this->b = (struct node *)alloca(sizeof (node_t));
	this->a->value = 1;
	this->a->next = this->b;
	this->b->value = 2;
	this->b->next = NULL;
	this->b->row[3] = 9;
	printf("%d %d %d\n", this->a->next->value, this->a->next->row[3], this->a->next->next == NULL);
	printf("%d %d %d\n", sizeof (node_t), sizeof (row_t), sizeof (callback_t));
	exit(0);
}
