// fasttrap -q -s FILE
//
// Pointers to functions have types as in C, and are numbers otherwise.
typedef int (*opener_t)(const char *, int);
typedef void closer_t(int);
enum state { CLOSED, OPEN = 3, BROKEN = -1 };

struct device {
	opener_t open;
	closer_t *close;
	opener_t others[2];
	enum state state;
	struct device *next;
};
struct device disk;

BEGIN
{
	disk.open = (opener_t)0x1234;
	disk.close = (void (*)(int))0x99;
	disk.others[1] = disk.open;
	disk.state = BROKEN;
	printf("%p %d %d\n", disk.open, disk.close == NULL, disk.others[1] == disk.open);
	printf("%d %d %d\n", sizeof (opener_t), sizeof (struct device), sizeof (enum state));
	print(disk);
	print(disk.open);
	print(disk.state);
	print(disk.next == NULL ? OPEN : CLOSED);
	@[disk.state] = count();
	exit(0);
}
