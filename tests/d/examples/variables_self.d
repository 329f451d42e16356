// fasttrap -q -s FILE
//
// Thread-local variables are 0 in every thread at first; assigning 0 gives their memory back.
self int depth;
self string name;

BEGIN
{
	printf("%d [%s]\n", self->depth, self->name);
	self->depth = 2;
	self->name = "first";
	depth = 77;
	printf("%d %s %d\n", self->depth, self->name, depth);
	self->depth = 0;
	self->name = 0;
	printf("%d [%s]\n", self->depth, self->name);
	self->table[1, "a"] = 10;
	self->table[2, "a"] = 20;
	printf("%d %d %d\n", self->table[1, "a"], self->table[2, "a"], self->table[1, "b"]);
	exit(0);
}
