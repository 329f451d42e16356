// fasttrap -q -s FILE -c build/targets/ledger
//
// The clauses of a program trace processes and fire ticks side by side; END has the last word when the process ends.
int64_t total;

tick-1ms
{
	ticks++;
}

pid$target:a.out:deposit:entry
{
	total += arg1;
}

END
{
	printf("%d\n", total);
}
