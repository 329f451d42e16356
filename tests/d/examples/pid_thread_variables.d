// fasttrap -q -s FILE -c 'build/targets/ledger threads'
//
// self-> variables are each thread's own: the second thread finds nothing of the first.
pid$target:a.out:deposit:entry
{
	self->calls++;
	printf("call %d of its thread, %d\n", self->calls, arg1);
}
