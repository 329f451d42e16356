// fasttrap -q -s FILE
//
// basename(), dirname() as in dirname(3), and cleanpath(), which resolves no links.
BEGIN
{
	printf("[%s] [%s] [%s] [%s]\n", basename("/usr/bin/ls"), basename("ls"), basename("/usr/"), basename("/"));
	printf("[%s] [%s] [%s] [%s]\n", dirname("/usr/bin/ls"), dirname("ls"), dirname("/usr/"), dirname("/"));
	printf("[%s] [%s]\n", basename(""), dirname(""));
	printf("[%s] [%s]\n", cleanpath("/a/./b//c/../d"), cleanpath("/../a"));
	exit(0);
}
