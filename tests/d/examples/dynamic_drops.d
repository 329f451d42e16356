// fasttrap -q -x dynvarsize=1k -x statusrate=1min -s FILE
//
// Elements of associative arrays that find no room are dropped, which is said; the others keep their values. These have
// 8 bytes with a key of 8, so that there is room for 64.
int i;

tick-1ms
/i < 100/
{
	a[i] = i + 1;
	i++;
}

tick-1ms
/i == 100/
{
	printf("%d %d\n", a[0], a[99]);
	exit(0);
}
