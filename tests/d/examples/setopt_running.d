// fasttrap -s FILE
//
// setopt() changes options while the program runs, those that may change.
BEGIN
{
	printf("with columns");
}

BEGIN
{
	setopt("quiet");
	printf("quiet\n");
}

BEGIN
{
	setopt("quiet", "0");
	exit(0);
}
