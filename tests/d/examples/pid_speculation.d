// fasttrap -q -s FILE -c build/targets/ledger
//
// What a call does is told only if it fails.
pid$target:a.out:transfer:entry
{
	self->spec = speculation();
}

pid$target:a.out:transfer:entry
/self->spec/
{
	speculate(self->spec);
	printf("transfer of %d\n", arg2);
}

pid$target:a.out:withdraw:entry
/self->spec/
{
	speculate(self->spec);
	printf("  withdraw %d from %s\n", arg1, copyinstr(arg0 + 4));
}

pid$target:a.out:transfer:return
/self->spec && (int)arg1 == -1/
{
	commit(self->spec);
	self->spec = 0;
}

pid$target:a.out:transfer:return
/self->spec/
{
	discard(self->spec);
	self->spec = 0;
}
