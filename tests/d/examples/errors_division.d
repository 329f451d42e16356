// fasttrap -q -s FILE
//
// A division by zero ends the clause: what it did before remains, what it would have printed does not. The probe goes
// on with its next clause, and ERROR fires.
BEGIN
{
	zero = 0;
	before = 1;
	printf("never printed %d\n", before);
	x = 5 / zero;
	before = 2;
}

BEGIN
{
	printf("before %d\n", before);
	y = 5 % zero;
}

BEGIN
{
	printf("the last clause\n");
	exit(0);
}

ERROR
{
	printf("ERROR of %d, action %d, fault %d, value %d\n", arg1, arg2, arg4, arg5);
}
