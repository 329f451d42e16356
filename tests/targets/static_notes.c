/*
 * Static probes with SystemTap notes: two sites that share a semaphore, and one
 * whose arguments are in every kind of place. Prints how often somebody
 * listened. `static_notes N` works N times.
 */
#include "static_notes.h"
#include "target.h"

#include <stdint.h>

SEMAPHORE(gated_semaphore);
int counter = -5;
static _Thread_local int own = 77;
static long gated;

NOINLINE void work(int n, const char *text) {
  int32_t table[4] = {n, n + 1, n + 2, n + 3};
  double real = n + 0.5;
  counter--;
  own++;
  NOTE("notes", "places", "0",
       "-4@%k[n] 8@%[text] -4@8(%[table]) -4@(%[table],%[one],4) -4@$-3 "
       "-4@counter(%%rip) -1@%b[n] 1@%h[h] -4@%%fs:own@tpoff 8f@%[real]",
       [n] "r"((long)n), [text] "r"(text), [table] "r"(table), [one] "r"(1L),
       [h] "Q"(0x1234 + n), [real] "x"(real), "m"(table));
  if (gated_semaphore) {
    gated++;
    NOTE("notes", "gated__one", "gated_semaphore", "-4@%k[n]", [n] "r"(n));
  }
  NOTE("notes", "odd", "0", "8@what is this -4@%k[n]", [n] "r"(n));
}

NOINLINE void other(int n) {
  if (gated_semaphore)
    NOTE("notes", "gated__one", "gated_semaphore", "-4@%k[n]", [n] "r"(-n));
}

int main(int argc, char **argv) {
  long times = number(argc, argv, 1, 10);
  await_go();
  for (int i = 0; i < times; i++) {
    work(i, "text");
    other(i);
  }
  printf("worked %ld times, gated %ld, semaphore %u\n", times, gated,
         gated_semaphore);
  return 0;
}
