// fasttrap -q -s FILE
//
// if and else, with and without braces, one in another.
int i;

tick-1ms
/i < 6/
{
	i++;
	if (i == 1)
		printf("one\n");
	else if (i == 2) {
		printf("two");
		printf("!\n");
	} else {
		if (i % 2)
			printf("%d is odd\n", i);
		else
			printf("%d is even\n", i);
	}
	if (i == 4)
		printf("four\n");
}

tick-1ms
/i == 6/
{
	exit(0);
}
