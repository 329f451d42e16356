// fasttrap -q -s FILE -c build/targets/ledger
//
// A script that finds out which functions fail, and how often.
pid$target:a.out:[a-z]*:return
/(int)arg1 == -1/
{
	@failed[probefunc] = count();
}
