/*
 * Static probes in DTrace Object Format: what `dtrace -G` leaves of the calls
 * and of the questions whether somebody listens. Counts how often it was told
 * that somebody does. `static_dof N` works N times.
 */
#include "static_dof.h"
#include "target.h"

static long gated;

/* A call, whose arguments are in the registers of the convention. */
#define PROBE(label, first, second)                                            \
  asm volatile(label ": .byte 0x90, 0x90, 0x90, 0x90, 0x90" ::"D"(first),      \
               "S"(second))

NOINLINE void work(int n, const char *text) {
  long enabled;
  PROBE("go_1", n, text);
  asm volatile("enabled_1: .byte 0x48, 0x33, 0xc0, 0x90, 0x90" : "=a"(enabled));
  if (enabled) {
    gated++;
    PROBE("gated_1", n + 1, text);
  }
  PROBE("go_2", -n, text + 1);
}

int main(int argc, char **argv) {
  long times = number(argc, argv, 1, 10);
  await_go();
  for (int i = 0; i < times; i++)
    work(i, "text");
  printf("worked %ld times, gated %ld\n", times, gated);
  return 0;
}
