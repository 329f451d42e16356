// Makes threads that each call work() a number of times, and prints the sum.
// cc: -pthread
#include "target.h"
#include <pthread.h>

static long calls;

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n & 15;
}

static void *run(void *sum) {
  for (long i = 0; i < calls; i++)
    *(long *)sum += work(i);
  return NULL;
}

int main(int argc, char **argv) {
  long count = number(argc, argv, 1, 4), early = number(argc, argv, 3, 0);
  calls = number(argc, argv, 2, 10);
  pthread_t ids[1024];
  long sums[1024] = {0}, total = 0;
  (void)early;
  await_go();
  for (long i = 0; i < count; i++)
    pthread_create(&ids[i], NULL, run, &sums[i]);
  for (long i = 0; i < count; i++) {
    pthread_join(ids[i], NULL);
    total += sums[i];
  }
  printf("sum %ld\n", total);
  return 0;
}
