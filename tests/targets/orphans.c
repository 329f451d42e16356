// Four threads make children for ever, each of which calls work() and says
// "good" if that was all right. It ends by being killed.
// cc: -pthread
#include "target.h"
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n + 1;
}

static void *run(void *unused) {
  for (long i = 0;; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      if (work(i) == i + 1)
        write(1, "good\n", 5);
      _exit(0);
    }
    work(i);
    waitpid(pid, NULL, 0);
  }
  return unused;
}

int main(void) {
  pthread_t id;
  await_go();
  for (int i = 0; i < 4; i++)
    pthread_create(&id, NULL, run, NULL);
  pause();
}
