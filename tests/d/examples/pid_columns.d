// fasttrap -s FILE -c build/targets/ledger
//
// The default output of a program without -q: the header, a line for each firing, and how the program has ended.
pid$target:a.out:transfer:entry
{
	trace(arg2);
}

pid$target:a.out:withdraw:return
/(int)arg1 != 0/
{
	printf("refused");
}
