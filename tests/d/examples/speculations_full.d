// fasttrap -q -x specsize=128 -s FILE
//
// What does not fit into a speculation is dropped and counted.
BEGIN
{
	this->s = speculation();
}

BEGIN
{
	speculate(this->s);
	printf("%s\n", "a string of 256 bytes");
}

BEGIN
{
	commit(this->s);
}

BEGIN
{
	printf("committed\n");
	exit(0);
}
