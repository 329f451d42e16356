// Children that share memory: vfork, posix_spawn, system and clone with
// CLONE_VM. The vfork and clone children call work() as well.
#define _GNU_SOURCE
#include "target.h"
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

static char stack[65536] __attribute__((aligned(16)));

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n + 1;
}

static int in_clone(void *n) {
  long sum = 0;
  for (int i = 0; i < 5; i++)
    sum += work((long)n);
  return sum == 20 ? 6 : 1;
}

static void await_child(const char *name, pid_t pid) {
  int status;
  waitpid(pid, &status, __WALL);
  printf("%s: %d %d\n", name, WIFEXITED(status), WEXITSTATUS(status));
  work(0);
}

int main(int argc, char **argv) {
  await_go();
  for (long i = 0; i < number(argc, argv, 1, 3); i++) {
    pid_t pid = vfork();
    if (pid == 0) {
      work(1);
      execl("/bin/sh", "sh", "-c", "exit 3", NULL);
      _exit(1);
    }
    await_child("vfork", pid);
    pid = vfork();
    if (pid == 0)
      _exit(work(3) == 4 ? 4 : 1);
    await_child("vfork without exec", pid);
    char *arguments[] = {"sh", "-c", "exit 5", NULL};
    posix_spawn(&pid, "/bin/sh", NULL, NULL, arguments, environ);
    await_child("posix_spawn", pid);
    pid = clone(in_clone, stack + sizeof stack, CLONE_VM | SIGCHLD, (void *)3);
    await_child("clone", pid);
    printf("system: %d\n", WEXITSTATUS(system("exit 7")));
  }
  return 0;
}
