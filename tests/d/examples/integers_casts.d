// fasttrap -q -s FILE
//
// A cast cuts off what does not fit, and the sign comes from the new type. The sizes are those of LP64.
BEGIN
{
	printf("%d %d %d\n", (char)200, (short)70000, (int)0x180000000);
	printf("%u %u %u\n", (uint8_t)300, (uint16_t)70000, (uint32_t)-1);
	printf("%d %d\n", (int8_t)0xff, (int64_t)(int8_t)0x80);
	printf("%d %d %d %d\n", sizeof (char), sizeof (short), sizeof (int), sizeof (long));
	printf("%d %d %d\n", sizeof (long long), sizeof (void *), sizeof (string));
	printf("%d %d %d %d\n", sizeof (int8_t), sizeof (uint16_t), sizeof (int32_t), sizeof (uint64_t));
	printf("%d %d\n", sizeof 1, sizeof (1LL + 1));
	printf("%d\n", sizeof (uintptr_t));
	exit(0);
}
