// A thread queues numbered real-time signals to the process as fast as the
// first thread, which calls work() all the time, takes them. Prints how many
// came, and how many of these out of order or with a wrong siginfo.
// cc: -pthread
#include "target.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>

static volatile long taken, wrong;
static long count;
long table[16];

NOINLINE long work(long n) {
  __asm__ volatile("");
  return table[n & 15] * 3 + (n >> 4);
}

static void handle(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  wrong += info->si_value.sival_int != taken || info->si_code != SI_QUEUE ||
           info->si_pid != getpid();
  taken++;
}

static void *send(void *unused) {
  for (long i = 0; i < count; i++) {
    while (i - taken > 3)
      sched_yield();
    sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = (int)i});
  }
  return unused;
}

int main(int argc, char **argv) {
  struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
  pthread_t id;
  sigset_t set;
  long bad = 0;
  count = number(argc, argv, 1, 1000);
  for (long i = 0; i < 16; i++)
    table[i] = i;
  sigaction(SIGRTMIN + 1, &action, NULL);
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 1);
  await_go();
  sigprocmask(SIG_BLOCK, &set, NULL);
  pthread_create(&id, NULL, send, NULL);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  for (long i = 0; taken < count; i++)
    bad += work(i) != (i & 15) * 3 + (i >> 4);
  pthread_join(id, NULL);
  printf("taken %ld, wrong %ld, bad %ld\n", taken, wrong, bad);
  return 0;
}
