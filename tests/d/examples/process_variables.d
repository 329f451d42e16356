// fasttrap -q -s FILE -c 'build/targets/ledger with words'
//
// What is known of the process that a probe fires in.
pid$target:a.out:bad:entry
{
	printf("%s %d %d\n", execname, pid == $target, tid == pid);
	printf("%s\n", curpsinfo->pr_psargs);
	printf("%d %d %s\n", curpsinfo->pr_pid == pid, ppid == $pid, basename(curpsinfo->pr_fname));
	printf("%d %d\n", uid == $uid, ustackdepth >= 2);
	printf("%d\n", vtimestamp > 0 && vtimestamp < timestamp);
}
