// fasttrap -q -s FILE -c build/targets/ledger
//
// copyin() brings structures of the program over, of which the members are read as those of D's own, bit-fields too.
struct account {
	int32_t id;
	char name[12];
	int64_t balance;
	unsigned int locked : 1;
	unsigned int level : 3;
	struct account *next;
};

pid$target:a.out:withdraw:entry
{
	this->a = (struct account *)copyin(arg0, sizeof (struct account));
	printf("%d %s %d %d %d", this->a->id, stringof(this->a->name), this->a->balance, this->a->locked, this->a->level);
	this->next = this->a->next;
}

pid$target:a.out:withdraw:entry
/this->next != NULL/
{
	this->b = (struct account *)copyin((uintptr_t)this->next, sizeof (struct account));
	printf(" -> %s", stringof(this->b->name));
}

pid$target:a.out:withdraw:entry
{
	printf(", minus %d\n", arg1);
}
