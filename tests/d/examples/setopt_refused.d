// fasttrap -q -s FILE
//
// An option that setopt() cannot set is told with the clause that wanted it.
BEGIN
{
	setopt("nonesuch");
	setopt("quiet", "perhaps");
	setopt("bufsize", "1m");
	exit(0);
}
