// fasttrap -q -s FILE -c build/targets/ledger
//
// A name in hexadecimal is the offset of an instruction: 0 is where the function begins. All names are all
// instructions, with entry and return.
pid$target:a.out:transfer:0
{
	printf("%s:%s %d\n", probefunc, probename, arg2);
}

pid$target:a.out:countdown:
/probename != "entry" && probename != "return"/
{
	instructions++;
}

pid$target:a.out:countdown:
/probename == "entry" || probename == "return"/
{
	@[probename] = count();
}

END
{
	printf("%d\n", instructions > 4 * 5);
}
