// fasttrap -q -s FILE
//
// A format takes the parts of the key in their order, and the value where %@ is, as often as it is.
BEGIN
{
	@a["read", 3] = count();
	@a["read", 3] = count();
	@a["write", 1] = count();
	printa("%s(%d) = %@d\n", @a);
	printa("[%8s] [%-4d] [%@5d] [%@-5d] [%@u]\n", @a);
	printa("%@d %@x %s\n", @a);
	printa(@a);
	printa("no conversion\n", @a);
	exit(0);
}

END
{
	printf("END\n");
	printa("%10s %@d\n", @a);
}
