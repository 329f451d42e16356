// Writes random words all over the memory that its tracer shares with it,
// while two threads call work(), ROUNDS times each: scribbles ROUNDS SEED.
// Prints what the calls come to, and whether there was such memory.
// cc: -pthread
#define _GNU_SOURCE
#include "target.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

static long rounds;
static uint64_t state;
static volatile int done;

NOINLINE long work(const char *text, long n) {
  __asm__ volatile("" ::"r"(text) : "memory");
  return n * 3 + 1;
}

static void *run(void *unused) {
  long sum = 0;
  for (long i = 0; i < rounds; i++)
    sum += work("some text", i);
  (void)unused;
  return (void *)sum;
}

static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

/* The memory that is shared by a file without a name. */
static uint32_t *find(size_t *words) {
  char line[512], permissions[5];
  uintptr_t from, to;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps))
    if (strstr(line, "memfd:fasttrap") &&
        sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to,
               permissions) == 3 &&
        strcmp(permissions, "rw-s") == 0) {
      fclose(maps);
      *words = (to - from) / sizeof(uint32_t);
      return (uint32_t *)from;
    }
  fclose(maps);
  return NULL;
}

/* Headers of records, ends of rings, and everything else, with numbers that are
 * likely to be taken for something, and with any. */
static void *scribble(void *shared) {
  size_t words;
  uint32_t *memory = find(&words);
  *(int *)shared = memory != NULL;
  while (memory && !done)
    for (int i = 0; i < 1000; i++) {
      uint64_t random = next();
      size_t at = random % words;
      if (random >> 62 == 0)
        at = (at & ~(size_t)0x1fffff) | 0x80000 | ((at & 1) << 4);
      else if (random >> 62 == 1)
        at &= ~(size_t)15;
      uint32_t likely =
          (uint32_t)((random >> 40 & 0xff) << 24 | (random >> 48 & 3));
      memory[at] = random & 1 << 20 ? likely : (uint32_t)next();
    }
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t other, scribbler;
  void *result;
  int shared = 0;
  rounds = number(argc, argv, 1, 10);
  state = (uint64_t)number(argc, argv, 2, 1);
  await_go();
  pthread_create(&scribbler, 0, scribble, &shared);
  pthread_create(&other, 0, run, 0);
  long sum = (long)run(0);
  pthread_join(other, &result);
  done = 1;
  pthread_join(scribbler, 0);
  printf("%ld %d\n", sum + (long)result, shared);
  return 9;
}
