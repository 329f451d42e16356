// Calls small functions, each of which begins in another way, as often as the
// first argument says in as many threads as the second says, interrupted by a
// timer of 1 kHz if there is a third. Prints a checksum of the results.
// cc: -pthread
#include "hot.h"
#include "target.h"
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

static long count;
static volatile long ticks;

static void *run(void *seed) {
  uint64_t x = (uintptr_t)seed;
  uint64_t (*volatile inner)(uint64_t) = (uint64_t(*)(uint64_t))twice_inner;
  for (long i = 0; i < count; i++) {
    x = carry(fold(x, (uint64_t)i), x << 60);
    if (i % 1000 == 0)
      x += twice(x) ^ inner(x);
  }
  return (void *)x;
}

static void tick(int signal) { ticks += signal == SIGALRM; }

int main(int argc, char **argv) {
  long threads = number(argc, argv, 2, 1);
  pthread_t ids[64];
  uint64_t sum = 0;
  count = number(argc, argv, 1, 1000);
  signal(SIGALRM, tick);
  await_go();
  if (number(argc, argv, 3, 0))
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 1000}, {0, 1000}}, NULL);
  for (long i = 0; i < threads; i++)
    pthread_create(&ids[i], NULL, run, (void *)(uintptr_t)(i + 1));
  for (long i = 0; i < threads; i++) {
    void *x;
    pthread_join(ids[i], &x);
    sum ^= (uintptr_t)x;
  }
  printf("%016lx\n", (unsigned long)sum);
  return 4;
}
