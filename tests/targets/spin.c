// Threads call work() until the input ends, each checking its own result; then
// it prints "right" if all results were. The second line of input is the sign.
// cc: -pthread
#include "target.h"
#include <pthread.h>

static volatile int stop;
static long wrong;
long table[16];

NOINLINE long work(long n) {
  __asm__ volatile("");
  return table[n & 15] * 3 + (n >> 4);
}

static void *run(void *unused) {
  (void)unused;
  for (long i = 0; !stop; i++)
    if (work(i) != (i & 15) * 3 + (i >> 4))
      __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t ids[64];
  long count = number(argc, argv, 1, 1);
  for (long i = 0; i < 16; i++)
    table[i] = i;
  for (long i = 0; i < count; i++)
    pthread_create(&ids[i], NULL, run, NULL);
  await_go();
  stop = 1;
  for (long i = 0; i < count; i++)
    pthread_join(ids[i], NULL);
  puts(wrong ? "wrong" : "right");
  return 0;
}
