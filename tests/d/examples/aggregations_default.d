// fasttrap -s FILE
//
// Without -q printa() of an aggregation stands below the line of its probe.
BEGIN
{
	@["one"] = count();
	printa(@);
	printa("%s is %@d", @);
	clear(@);
	trunc(@, 0);
	exit(0);
}
