// fasttrap -q -s FILE -c build/targets/ledger
//
// print() of what a pointer of the program leads to, and of a copy of it; the pointer in it is 0 where there is none.
struct account {
	int32_t id;
	char name[12];
	int64_t balance;
	unsigned int locked : 1;
	unsigned int level : 3;
	struct account *next;
};

pid$target:a.out:transfer:entry
/((userland struct account *)arg0)->next == NULL && !seen++/
{
	print(*(userland struct account *)arg0);
	print((struct account *)copyin(arg0, sizeof (struct account)));
	print(((userland struct account *)arg0)->balance);
}
