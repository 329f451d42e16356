// fasttrap -q -s FILE -c build/targets/ledger a.out deposit
//
// A script that is told the module and the function to look at.
dtrace:::BEGIN
{
	printf("%-8s %-10s %6s\n", "EXEC", "FUNC", "ARG1");
}

pid$target:$1:$2:entry
{
	printf("%-8s %-10s %6d\n", execname, probefunc, arg1);
	@[$$2] = max(arg1);
}
