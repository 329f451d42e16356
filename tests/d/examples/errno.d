// fasttrap -q -s FILE -c 'cat /nonexistent'
//
// errno is that of the thread, as the program finds it when the function has returned.
pid$target:libc:open:return
/(int)arg1 == -1/
{
	printf("%s gave %d, error %d\n", probefunc, (int)arg1, errno);
}
