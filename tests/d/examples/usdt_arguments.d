// fasttrap -q -s FILE -c build/targets/ledger
//
// A static probe of the program: `__` of its name is written `-`, and its arguments are found where it says, in the size and with the sign that it gives them.
ledger$target:ledger:deposit:paid-in
{
	printf("%s:%s:%s ", probemod, probefunc, probename);
	printf("%s %d %d\n", copyinstr(arg0), arg1, arg2);
}

ledger$target::deposit:
{
	@[copyinstr(arg0)] = sum(arg1);
}
