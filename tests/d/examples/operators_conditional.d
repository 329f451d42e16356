// fasttrap -q -s FILE
//
// Of ?: only the branch that was chosen is evaluated, of && and || no more than needed, and a comma gives the last.
BEGIN
{
	n = 0;
	x = 1 ? n += 1 : (n += 10);
	x = 0 ? n += 100 : (n += 1000);
	printf("%d\n", n);
	zero = 0;
	printf("%d\n", zero != 0 ? 5 / zero : -1);
	printf("%d %d\n", zero && 5 / zero, !zero || 5 / zero);
	printf("%d\n", (n = 3, n + 1));
	printf("%s\n", n > 2 ? "more" : "less");
	printf("%d\n", n == 1 ? 1 : n == 2 ? 2 : n == 3 ? 33 : 4);
	exit(0);
}
