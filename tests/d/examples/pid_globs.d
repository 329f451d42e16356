// fasttrap -q -s FILE -c build/targets/ledger
//
// Globs in a description; a function that none matches fires nothing.
pid$target:a.out:[dw]*:entry
/probefunc != "deregister_tm_clones"/
{
	@[probefunc] = count();
}

pid$target:a.out:t*s?er:entry
{
	@[strjoin(probefunc, " by ?")] = count();
}
