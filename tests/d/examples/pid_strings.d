// fasttrap -q -s FILE -c build/targets/ledger
//
// copyinstr() reads a string up to its end, or as much of it as is asked for; copyinto() reads into memory of one's own.
pid$target:a.out:note:entry
{
	printf("[%s] [%s] %d\n", copyinstr(arg0), copyinstr(arg0, 3), strlen(copyinstr(arg0)));
	this->room = (char *)alloca(8);
	copyinto(arg0, 4, this->room);
	printf("%s %c\n", stringof(this->room), this->room[3]);
	tracemem(copyin(arg0, 8), 8);
}

pid$target:a.out:deposit:entry
/copyinstr(arg0 + 4) == "bob"/
{
	printf("bob gets %d\n", arg1);
}
