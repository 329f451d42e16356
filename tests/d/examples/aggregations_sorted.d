// fasttrap -q -x aggsortkey -x aggsortrev -s FILE
//
// aggsortkey sorts by keys instead of values, and aggsortrev turns the order round.
BEGIN
{
	@a["apple", 2] = sum(9);
	@a["pear", 1] = sum(1);
	@a["apple", 10] = sum(5);
	printa("%s %d: %@d\n", @a);
	setopt("aggsortrev", "no");
	setopt("aggsortkeypos", "1");
	printa("%s %d: %@d\n", @a);
	setopt("aggsortkey", "off");
	printa("%s %d: %@d\n", @a);
	trunc(@a);
	exit(0);
}
