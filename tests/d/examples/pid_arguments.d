// fasttrap -q -s FILE -c build/targets/ledger
//
// arg0 to arg9 are the arguments of a function, as signed numbers of 64 bits; those behind the sixth are on the stack.
pid$target:a.out:many:entry
{
	printf("%d %d %d %d %d ", arg0, arg1, arg2, arg3, arg4);
	printf("%d %d %d %d %d\n", arg5, arg6, arg7, arg8, arg9);
}

pid$target:a.out:countdown:entry
{
	printf("%s:%s:%s %d\n", probemod, probefunc, probename, arg0);
}
