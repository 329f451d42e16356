// fasttrap -q -w -s FILE -c build/targets/ledger
//
// copyoutstr() and copyout() change the program's memory, by -w only: note() finds more than the program has written.
pid$target:a.out:note:entry
{
	copyoutstr("longer", arg0, 7);
	this->letter = (char *)alloca(1);
	this->letter[0] = 'X';
	copyout(this->letter, arg0, 1);
	self->text = arg0;
}

pid$target:a.out:note:return
{
	printf("%s %d\n", copyinstr(self->text), arg1);
	self->text = 0;
}
