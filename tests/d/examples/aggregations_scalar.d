// fasttrap -q -s FILE
//
// Each function over 4, 8, 6, 10 and 2. What is not printed by the program is printed at the end, in the order in
// which the aggregations were first met.
int i;

tick-1ms
/i < 5/
{
	this->v = i == 0 ? 4 : i == 1 ? 8 : i == 2 ? 6 : i == 3 ? 10 : 2;
	@count = count();
	@sum = sum(this->v);
	@avg = avg(this->v);
	@min = min(this->v);
	@max = max(this->v);
	@dev = stddev(this->v);
	i++;
}

tick-1ms
/i == 5/
{
	exit(0);
}
