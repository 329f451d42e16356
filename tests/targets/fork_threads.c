// Threads that all make children by fork while they call work(); each child
// calls it too. Prints how many children ended well.
// cc: -pthread
#include "target.h"
#include <pthread.h>
#include <sys/wait.h>

static long rounds, good;

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n + 1;
}

static void *run(void *unused) {
  for (long i = 0; i < rounds; i++) {
    int status;
    pid_t pid = fork();
    if (pid == 0)
      _exit(work(i) == i + 1 ? 9 : 1);
    work(i);
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 9)
      __atomic_add_fetch(&good, 1, __ATOMIC_RELAXED);
  }
  return unused;
}

int main(int argc, char **argv) {
  pthread_t ids[16];
  long count = number(argc, argv, 1, 4);
  rounds = number(argc, argv, 2, 20);
  await_go();
  for (long i = 0; i < count; i++)
    pthread_create(&ids[i], NULL, run, NULL);
  for (long i = 0; i < count; i++)
    pthread_join(ids[i], NULL);
  printf("good %ld\n", good);
  return 0;
}
