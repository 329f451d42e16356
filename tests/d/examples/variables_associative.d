// fasttrap -q -s FILE
//
// An associative array has an element for each key, of any number and kind of parts; one that was never assigned is 0.
BEGIN
{
	a[1] = 10;
	a[2] = 20;
	printf("%d %d %d\n", a[1], a[2], a[3]);
	a[1] += 5;
	a[3]++;
	printf("%d %d\n", a[1], a[3]);
	b["x", 1] = "one";
	b["x", 2] = "two";
	printf("%s %s [%s]\n", b["x", 1], b["x", 2], b["y", 1]);
	b["x", 1] = 0;
	printf("[%s] %s\n", b["x", 1], b["x", 2]);
	c[pid, execname, 7] = timestamp;
	printf("%d\n", c[pid, execname, 7] != 0);
	exit(0);
}
