// Makes children by fork, each of which calls work() and, to the depth that is
// asked for, makes one more; prints the sum of what they found. A child exits
// with 1 + the number of its descendants, or 100 if it sees a trap in work().
#include "target.h"
#include <sys/wait.h>

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n;
}

static int child(long depth) {
  int status;
  volatile unsigned char *text = (volatile unsigned char *)work;
  for (int i = 0; i < 16; i++)
    if (text[i] == 0xcc)
      return 100;
  if (work(depth) == 0)
    return 1;
  pid_t pid = fork();
  if (pid == 0)
    _exit(child(depth - 1));
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? 1 + WEXITSTATUS(status) : 100;
}

int main(int argc, char **argv) {
  long count = number(argc, argv, 1, 10), depth = number(argc, argv, 2, 0);
  long sum = 0;
  await_go();
  for (long i = 0; i < count; i++) {
    int status;
    pid_t pid = fork();
    if (pid == 0)
      _exit(child(depth));
    work(i);
    waitpid(pid, &status, 0);
    sum += WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
  }
  printf("sum %ld\n", sum);
  return 0;
}
