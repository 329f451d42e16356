// fasttrap -q -s FILE
//
// A member of an element, or of a thread's variable, is assigned to as to any other: what holds it comes to be. A zero
// frees the whole.
struct visit {
	int count;
	string who;
	uint8_t days[7];
	struct {
		short low;
		short high;
	} range;
};

struct visit visits[string, int];
self struct visit last;
struct visit copy;

BEGIN
{
	visits["home", 1].count = 3;
	visits["home", 1].who = "anna";
	visits["home", 1].days[6] = 9;
	visits["home", 1].range.high = -2;
	visits["away", 2].count++;
	self->last.range.low = 5;
}

BEGIN
{
	printf("%d %s %d %d %d\n", visits["home", 1].count, visits["home", 1].who, visits["home", 1].days[6],
	    visits["home", 1].days[5], visits["home", 1].range.high);
	printf("%d %d [%s]\n", visits["away", 2].count, self->last.range.low, visits["none", 0].who);
	copy = visits["home", 1];
	self->last = copy;
	visits["home", 1] = 0;
	printf("%d %d\n", visits["home", 1].count, self->last.count);
	self->last = 0;
	printf("%d %s\n", self->last.count, copy.who);
	exit(0);
}
