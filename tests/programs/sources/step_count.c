/* Runs a program instruction by instruction and prints how many of them begin
 * in ranges of addresses: step_count PROGRAM FROM TO ... A repeated string
 * instruction is stepped once for each round, but counts once. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static struct { unsigned long long from, to, total; } ranges[8];

int main(int argc, char **argv) {
  int status, count = (argc - 2) / 2;
  unsigned long long last = 0;
  for (int i = 0; i < count; i++) {
    ranges[i].from = strtoull(argv[2 + 2 * i], 0, 16);
    ranges[i].to = strtoull(argv[3 + 2 * i], 0, 16);
  }
  pid_t pid = fork();
  if (pid == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    freopen("/dev/null", "w", stdout);
    execl(argv[1], argv[1], (char *)0);
    _exit(127);
  }
  for (waitpid(pid, &status, 0); WIFSTOPPED(status); waitpid(pid, &status, 0)) {
    struct user_regs_struct registers;
    ptrace(PTRACE_GETREGS, pid, 0, &registers);
    for (int i = 0; i < count; i++)
      ranges[i].total += registers.rip >= ranges[i].from &&
                         registers.rip < ranges[i].to && registers.rip != last;
    last = registers.rip;
    ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
  }
  for (int i = 0; i < count; i++)
    printf("%llu\n", ranges[i].total);
  return 0;
}
