/* Comes to a static probe in bursts that fit into a ring of records, with
 * pauses in which the ring is read, and prints how many nanoseconds a round has
 * taken in the fastest, the median and the slowest burst. The arguments are in
 * registers and on the stack, as SystemTap's notes say. The first argument is
 * the number of bursts, the second the number of rounds in each. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../tests/targets/static_notes.h"

uint64_t work(uint64_t n);
__attribute__((noinline)) uint64_t work(uint64_t n) {
  volatile uint64_t on_stack = n;
  NOTE("loop", "round", "0",
       "8@%[n] 8@%[s] -4@$7", [n] "r"(n), [s] "m"(on_stack));
  return n + 1;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  long bursts = argc > 1 ? atol(argv[1]) : 50;
  long rounds = argc > 2 ? atol(argv[2]) : 20000;
  uint64_t (*volatile call)(uint64_t) = work;
  double *ns = calloc((size_t)bursts, sizeof *ns);
  uint64_t n = 0;
  for (long b = 0; b < bursts; b++) {
    usleep(25000);
    double begin = now();
    for (long i = 0; i < rounds; i++)
      n = call(n);
    ns[b] = (now() - begin) / rounds;
  }
  qsort(ns, (size_t)bursts, sizeof *ns, ascending);
  printf("%.1f %.1f %.1f\n", ns[0], ns[bursts / 2], ns[bursts - 1]);
  return n != (uint64_t)(bursts * rounds);
}
