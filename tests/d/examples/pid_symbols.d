// fasttrap -q -s FILE -c build/targets/ledger
//
// Addresses become names in the keys of aggregations: the function, its module, or the place in it.
pid$target:a.out:deposit:entry
{
	@functions[ufunc(ucaller)] = count();
	@modules[umod(ucaller)] = count();
	@here[usym(uregs[R_RIP])] = count();
}

END
{
	printa("%A %@d\n", @functions);
	printa("%A %@d\n", @modules);
	printa("%A %@d\n", @here);
}
