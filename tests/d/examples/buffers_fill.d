// fasttrap -q -b 1k -x bufpolicy=fill -s FILE
//
// A buffer that is to be filled once ends the tracing when it is full. What was recorded before is printed, and END
// has room.
int i;

tick-1ms
{
	printf("%d %s\n", i++, "a string of 256 bytes");
}

END
{
	printf("END\n");
}
