// fasttrap -q -s FILE 42 'two words' 7 name
//
// $1 is put in as it is, $$1 as a string; $0 is the program.
BEGIN
{
	printf("%d %s %d\n", $1, $$2, $3);
	printf("%s %s %d\n", $$1, $$4, $1 + 1);
	$4 = 5;
	printf("%d\n", name);
	printf("%s\n", basename($$0));
	printf("%d %d\n", $pid > 0, $pid != $ppid);
	printf("%d %d\n", $pgid == curpsinfo->pr_pgid, $sid == curpsinfo->pr_sid);
	exit($1 - 42);
}
