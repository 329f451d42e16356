// A vfork child waits for a line, calls work(), and executes a program that
// exits with 3; its parent waits for that, and calls work() too.
#include "target.h"
#include <sys/wait.h>

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n + 1;
}

int main(void) {
  int status;
  await_go();
  pid_t pid = vfork();
  if (pid == 0) {
    char line;
    while (read(0, &line, 1) == 1 && line != '\n')
      ;
    work(1);
    execl("/bin/sh", "sh", "-c", "exit 3", NULL);
    _exit(1);
  }
  waitpid(pid, &status, 0);
  printf("%d %ld\n", WEXITSTATUS(status), work(2));
  return 0;
}
