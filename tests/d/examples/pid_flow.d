// fasttrap -F -s FILE -c build/targets/ledger
//
// -F indents by entries and returns.
pid$target:a.out:transfer:entry,
pid$target:a.out:transfer:return,
pid$target:a.out:withdraw:entry,
pid$target:a.out:withdraw:return,
pid$target:a.out:deposit:entry,
pid$target:a.out:deposit:return
{
}

pid$target:a.out:deposit:entry
{
	trace(arg1);
}

BEGIN
{
	printf("begin");
}
