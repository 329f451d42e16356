// fasttrap -j -s FILE -c build/targets/ledger
//
// Another format: an object for each record and each key of an aggregation.
pid$target:a.out:note:return
{
	@lengths["note"] = max(arg1);
}
