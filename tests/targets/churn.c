// Makes many threads, four at a time, each of which calls work() once.
// cc: -pthread
#include "target.h"
#include <pthread.h>

static long total;

NOINLINE void work(long n) { __atomic_add_fetch(&total, n, __ATOMIC_RELAXED); }

static void *run(void *n) {
  work((long)n);
  return NULL;
}

int main(int argc, char **argv) {
  long count = number(argc, argv, 1, 500);
  await_go();
  for (long i = 0; i < count; i += 4) {
    pthread_t ids[4];
    for (long j = 0; j < 4; j++)
      pthread_create(&ids[j], NULL, run, (void *)(i + j));
    for (long j = 0; j < 4; j++)
      pthread_join(ids[j], NULL);
  }
  printf("total %ld\n", total);
  return 0;
}
