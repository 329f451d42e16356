// fasttrap -q -s FILE
//
// Places in strings count from 0; what is not found is -1, or no string at all.
BEGIN
{
	s = "fasttrap traps fast";
	printf("%d %d %d\n", strlen(s), strlen(""), strlen("a\tb"));
	printf("%d %d %d\n", index(s, "trap"), index(s, "trap", 5), index(s, "none"));
	printf("%d %d %d\n", rindex(s, "trap"), rindex(s, "trap", 8), rindex(s, "none"));
	printf("%d %d %d\n", index(s, ""), index(s, "", 100), index(s, "fast", -3));
	printf("[%s] [%s]\n", strchr(s, 't'), strrchr(s, 't'));
	printf("[%s] [%s]\n", strstr(s, "tra"), strstr(s, ""));
	printf("%d %d\n", strchr(s, 'z') == NULL, strstr(s, "zz") == NULL);
	exit(0);
}
