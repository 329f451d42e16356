// Makes children by fork to a depth, each of which calls work() as often as its
// depth says and has a thread do so too; the youngest executes the program
// itself by way of vfork, to call it once more. Prints the number of all calls.
// cc: -pthread
#include "target.h"
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>

static char *program;

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n + 1;
}

static void *calls(void *n) {
  long sum = 0;
  for (long i = 0; i < (long)n; i++)
    sum += work(i) - i;
  return (void *)sum;
}

static long await(pid_t pid) {
  int status;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

static long generation(long depth) {
  void *sum;
  pthread_t thread;
  pthread_create(&thread, NULL, calls, (void *)depth);
  pthread_join(thread, &sum);
  long total = (long)sum + (long)calls((void *)depth);
  if (depth == 0) {
    pid_t pid = vfork();
    if (pid == 0) {
      execl(program, program, "once", NULL);
      _exit(100);
    }
    return total + await(pid);
  }
  pid_t pid = fork();
  if (pid == 0)
    _exit((int)generation(depth - 1));
  return total + await(pid);
}

int main(int argc, char **argv) {
  program = argv[0];
  if (argc > 1 && strcmp(argv[1], "once") == 0)
    return (int)work(0);
  long total = 0;
  await_go();
  for (long i = 0; i < number(argc, argv, 2, 1); i++)
    total += generation(number(argc, argv, 1, 3));
  printf("%ld calls\n", total);
  return 0;
}
