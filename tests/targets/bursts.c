// Calls work() while another thread sends it signals all the time, and prints
// how many of them were handled, and how often it has called.
#define _GNU_SOURCE
#include "target.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <time.h>

// How many signals are on their way at most, and how long one waits for the
// other, in ns.
enum { WAITING = 400, PAUSE = 10000 };

static char data[512];
static atomic_long handled;
static atomic_int done;
static pthread_t caller;

NOINLINE long work(long n, const char *bytes) {
  __asm__ volatile("" : : "r"(bytes));
  return n + 1;
}

static void handle(int signal) {
  (void)signal;
  atomic_fetch_add(&handled, 1);
}

static void *send(void *signals) {
  const struct timespec pause = {0, PAUSE};
  prctl(PR_SET_TIMERSLACK, 1);
  for (long sent = 0; sent < (long)signals;) {
    nanosleep(&pause, NULL);
    if (sent - atomic_load(&handled) >= WAITING)
      continue;
    if (pthread_sigqueue(caller, SIGRTMIN, (union sigval){0}))
      exit(1);
    sent++;
  }
  while (atomic_load(&handled) < (long)signals)
    nanosleep(&pause, NULL);
  atomic_store(&done, 1);
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t sender;
  long calls = 0;
  struct sigaction action = {.sa_handler = handle};
  sigaction(SIGRTMIN, &action, NULL);
  caller = pthread_self();
  await_go();
  pthread_create(&sender, NULL, send, (void *)number(argc, argv, 1, 1000));
  while (!atomic_load(&done))
    calls = work(calls, data);
  pthread_join(sender, NULL);
  printf("%ld signals\n%ld calls\n", atomic_load(&handled), calls);
  return 0;
}
