// fasttrap -q -s FILE -c build/targets/ledger
//
// The idiom of all latency scripts: what the entry has kept the return finds, and gives back.
pid$target:a.out:transfer:entry
{
	self->amount = arg2;
	self->start = timestamp;
}

pid$target:a.out:transfer:return
/self->start/
{
	@took[timestamp > self->start ? "some time" : "no time"] = count();
	@amounts[(int)arg1 == 0 ? "moved" : "refused"] = lquantize(self->amount, 0, 1000, 100);
	self->amount = 0;
	self->start = 0;
}
