// fasttrap -q -s FILE -c build/targets/ledger
//
// A script that shows the order in which functions are called for the first time, below who calls them.
self int depth;
int seen[string];

pid$target:a.out:main:entry,
pid$target:a.out:transfer:entry,
pid$target:a.out:withdraw:entry,
pid$target:a.out:deposit:entry,
pid$target:a.out:countdown:entry
/!seen[probefunc]/
{
	seen[probefunc] = 1;
	printf("%3d %*s%s\n", ++order, self->depth, "", probefunc);
}

pid$target:a.out:main:entry,
pid$target:a.out:transfer:entry
{
	self->depth += 2;
}

pid$target:a.out:main:return,
pid$target:a.out:transfer:return
{
	self->depth -= 2;
}

END
{
	printf("%d functions\n", order);
}
