// fasttrap -q -s FILE -c build/targets/ledger
//
// At a return arg0 is the offset of the instruction in its function and arg1 the value that is returned.
pid$target:a.out:transfer:return
{
	printf("transfer returns %d, %d\n", (int)arg1, arg0 > 0);
}

pid$target:a.out:countdown:return
{
	@["countdown", arg1] = count();
	@all = sum(arg1);
}
