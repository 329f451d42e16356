// fasttrap -q -s FILE
//
// What BEGIN knows of itself.
BEGIN
{
	printf("[%s] [%s] [%s] [%s]\n", probeprov, probemod, probefunc, probename);
	printf("%d %d %s\n", epid, id, execname);
	printf("%d %d\n", pid == $pid, ppid == $ppid);
	printf("%d %d\n", uid == $uid, gid == $gid);
	printf("%d %d\n", timestamp > 0, walltimestamp > 1700000000000000000);
	printf("%d\n", timestamp <= timestamp);
	start = timestamp;
}

BEGIN
{
	printf("%d %d\n", epid, id);
	exit(0);
}

END
{
	printf("[%s] [%s] [%s] [%s] %d %d\n", probeprov, probemod, probefunc, probename, epid, id);
	printf("%d\n", timestamp > start);
}
