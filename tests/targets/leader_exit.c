// The first thread exits; two others go on calling work(), and end the process.
// cc: -pthread
#include "target.h"
#include <pthread.h>

static long calls;
static pthread_t leader;

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n & 7;
}

static void *run(void *unused) {
  (void)unused;
  long sum = 0;
  for (long i = 0; i < calls; i++)
    sum += work(i);
  return (void *)sum;
}

static void *lead(void *unused) {
  pthread_t other;
  void *sum;
  pthread_join(leader, NULL);
  pthread_create(&other, NULL, run, NULL);
  long own = (long)run(unused);
  pthread_join(other, &sum);
  printf("sum %ld\n", own + (long)sum);
  exit(3);
}

int main(int argc, char **argv) {
  pthread_t id;
  calls = number(argc, argv, 1, 20);
  leader = pthread_self();
  await_go();
  pthread_create(&id, NULL, lead, NULL);
  pthread_exit(NULL);
}
