// Forbids itself to read the clock of the CPU, with 1 as second argument before
// it says that it is ready, with 2 behind that; calls work() as often as the
// first argument says in each of two threads. Prints the sum of the results.
// cc: -pthread
#define _GNU_SOURCE
#include "target.h"
#include <pthread.h>
#include <sys/prctl.h>

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n * 3 + 1;
}

static long rounds;

static void *run(void *unused) {
  long sum = 0;
  for (long i = 0; i < rounds; i++)
    sum += work(i);
  (void)unused;
  return (void *)sum;
}

int main(int argc, char **argv) {
  pthread_t thread;
  void *other;
  rounds = number(argc, argv, 1, 10);
  long when = number(argc, argv, 2, 0);
  if (when == 1)
    prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
  await_go();
  if (when == 2)
    prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
  pthread_create(&thread, 0, run, 0);
  long sum = (long)run(0);
  pthread_join(thread, &other);
  printf("%ld\n", sum + (long)other);
  return 6;
}
