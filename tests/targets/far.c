// Loads copies of plugin.c, each farther than 2 GiB from the others, and calls
// them in two threads: far ROUNDS WALLS FILE... Prints what the calls come to,
// and how many copies are so far from all others. With 1 for WALLS everything
// is taken that is free within 2 GiB of a copy, else a hole of 256 MiB is left;
// with 2 a timer of 1 kHz goes off as well, and "ticked" is printed if it did.
// cc: -rdynamic -pthread -ldl
#define _GNU_SOURCE
#include "target.h"
#include <dlfcn.h>
#include <inttypes.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/time.h>

#define GIB (1ul << 30)
#define HOLE (1ul << 28)

typedef long (*function)(long);
static uintptr_t places[16];
static function functions[16];
static long total, rounds;
static volatile long ticks;

static void take(uintptr_t from, uintptr_t to) {
  if (from < to)
    mmap((void *)from, to - from, PROT_NONE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
         0);
}

/* Takes what is free around an address. */
static void surround(uintptr_t place) {
  uintptr_t from, to, last = place > 3 * GIB ? place - 3 * GIB : 1 << 16;
  uintptr_t gaps[512][2];
  int count = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (fscanf(maps, "%" SCNxPTR "-%" SCNxPTR "%*[^\n]", &from, &to) == 2) {
    if (to <= last)
      continue;
    if (from > place + 3 * GIB)
      break;
    gaps[count][0] = last;
    gaps[count++][1] = from;
    last = to;
  }
  fclose(maps);
  for (int i = 0; i < count; i++)
    take(gaps[i][0], gaps[i][1]);
  take(last, place + 3 * GIB);
}

static void *run(void *unused) {
  long sum = 0;
  for (long i = 0; i < rounds; i++)
    for (long j = 0; j < total; j++)
      sum += functions[j](i);
  (void)unused;
  return (void *)sum;
}

static void tick(int signal) { ticks += signal == SIGALRM; }

int main(int argc, char **argv) {
  long walls = number(argc, argv, 2, 0), far = 0;
  rounds = number(argc, argv, 1, 1);
  surround((uintptr_t)stdout);
  for (int i = 3; i < argc; i++) {
    void *library = dlopen(argv[i], RTLD_NOW);
    if (!library)
      return 1;
    places[total] = (uintptr_t)((struct link_map *)library)->l_addr;
    functions[total] = (function)dlsym(library, "plugin_work");
    surround(places[total++]);
  }
  for (long i = 0; i < total; i++) {
    int near = 0;
    for (long j = 0; j < total; j++)
      near += j != i && places[i] - places[j] + 2 * GIB < 4 * GIB;
    far += !near;
    if (!walls)
      munmap((void *)(places[i] - 4 * HOLE), HOLE);
  }
  await_go();
  pthread_t thread;
  void *other;
  signal(SIGALRM, tick);
  if (walls > 1)
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 1000}, {0, 1000}}, 0);
  pthread_create(&thread, 0, run, 0);
  long sum = (long)run(0);
  pthread_join(thread, &other);
  printf("%s%ld %ld\n", ticks ? "ticked " : "", sum + (long)other, far);
  return 4;
}

/* What the copies count in. */
long calls, starts, ends;
