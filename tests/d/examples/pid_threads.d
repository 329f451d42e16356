// fasttrap -q -s FILE -c build/targets/threads
//
// Each thread has its own variables; those of the program are everybody's.
pid$target:a.out:run:entry
{
	self->calls = 0;
	self->name = "runner";
}

pid$target:a.out:work:entry
/self->name == "runner"/
{
	self->calls++;
	total++;
	@calls[self->calls] = count();
}

pid$target:a.out:run:return
{
	@threads[self->name, self->calls] = count();
	self->name = 0;
	self->calls = 0;
}

END
{
	printf("%d [%s]\n", total, self->name);
}
