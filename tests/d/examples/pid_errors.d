// fasttrap -q -s FILE -c build/targets/ledger
//
// An address that the program does not have is an error of the clause, and nothing to the program.
pid$target:a.out:bad:entry
{
	printf("never %s\n", copyinstr(arg0));
}

pid$target:a.out:bad:entry
{
	this->n = *(int *)arg0;
	printf("never %d\n", this->n);
}

pid$target:a.out:bad:return
{
	printf("bad returns %d\n", arg1);
}

ERROR
{
	printf("ERROR %d: 0x%x\n", arg4, arg5);
}
