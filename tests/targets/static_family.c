/*
 * A static probe with a semaphore in a process, in its child, and in the same
 * program executed by that child: each prints the semaphore and comes to the
 * probe, if somebody listens, as often as its rank says. static_family WAY has
 * the child made by fork or by vfork, which shares the semaphore.
 */
#include "static_notes.h"
#include "target.h"

#include <string.h>
#include <sys/wait.h>

SEMAPHORE(family_semaphore);

NOINLINE static void work(const char *who, long times) {
  char line[64];
  int size = snprintf(line, sizeof line, "%s %u\n", who, family_semaphore);
  if (write(1, line, (size_t)size) < 0)
    _exit(3);
  if (family_semaphore)
    for (long i = 0; i < times; i++)
      NOTE("family", "works", "family_semaphore",
           "-8@%[i] 8@%[who]", [i] "r"(i), [who] "r"(who));
}

int main(int argc, char **argv) {
  int status;
  if (argc > 1 && strcmp(argv[1], "executed") == 0) {
    work("executed", 1);
    return 0;
  }
  await_go();
  work("parent", 3);
  pid_t pid = argc > 1 && strcmp(argv[1], "vfork") == 0 ? vfork() : fork();
  if (pid == 0) {
    work("child", 2);
    execl(argv[0], argv[0], "executed", NULL);
    _exit(1);
  }
  waitpid(pid, &status, 0);
  work("again", 3);
  return WEXITSTATUS(status);
}
