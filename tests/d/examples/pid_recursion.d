// fasttrap -q -s FILE -c build/targets/ledger
//
// The depth of a recursion, counted up at entries and down at returns.
pid$target:a.out:countdown:entry
{
	printf("%*s> %d\n", 2 * self->depth++, "", arg0);
}

pid$target:a.out:countdown:return
{
	self->depth--;
	printf("%*s< %d\n", 2 * self->depth, "", arg1);
}
