// A seccomp filter kills it for any system call but those that it makes.
#define _GNU_SOURCE
#include "target.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define ALLOW(number)                                                          \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),                           \
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

long table[8] = {3, 1, 4, 1, 5, 9, 2, 6};

NOINLINE long work(long n) { return table[n & 7] + (n >> 3); }

static char to[256], from[256] = "copied";
void copy(char *to, const char *from, long unused, long size);
__asm__(
    ".type copy, @function\ncopy:\n  rep movsb\n  ret\n.size copy, . - copy\n");

int main(int argc, char **argv) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      ALLOW(SYS_read), ALLOW(SYS_write), ALLOW(SYS_exit_group),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)};
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  char buffer[4096];
  setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    return 1;
  await_go();
  long sum = 0;
  for (long i = 0; i < number(argc, argv, 1, 100); i++)
    sum += work(i);
  copy(to, from, 0, sizeof to);
  printf("%s\n", to);
  printf("sum %ld\n", sum);
  return 0;
}
