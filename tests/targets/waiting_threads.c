// Makes threads before it is ready; each then calls work() a number of times.
// The sums are printed when all have come to their end.
// cc: -pthread
#include "target.h"
#include <pthread.h>

static pthread_barrier_t barrier;
static long calls;

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n & 15;
}

static void *run(void *sum) {
  pthread_barrier_wait(&barrier);
  for (long i = 0; i < calls; i++)
    *(long *)sum += work(i);
  return NULL;
}

int main(int argc, char **argv) {
  long count = number(argc, argv, 1, 32);
  calls = number(argc, argv, 2, 10);
  pthread_t ids[1024];
  long sums[1024] = {0}, total = 0;
  pthread_barrier_init(&barrier, NULL, (unsigned)count + 1);
  for (long i = 0; i < count; i++)
    pthread_create(&ids[i], NULL, run, &sums[i]);
  await_go();
  pthread_barrier_wait(&barrier);
  for (long i = 0; i < count; i++) {
    pthread_join(ids[i], NULL);
    total += sums[i];
  }
  printf("sum %ld\n", total);
  return 0;
}
