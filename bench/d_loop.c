/* Waits for the end of its input, then calls a function as often as the first
 * argument says, with arguments from 0 to 199 and of 64 values, and prints how
 * many nanoseconds a call has taken. It pauses for a millisecond behind as many
 * calls as the second argument says. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

__attribute__((noinline)) long work(long size, long key) {
  __asm__ volatile("nop; nop; nop; nop; nop" ::: "memory");
  return size + key;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv) {
  long count = argc > 1 ? atol(argv[1]) : 0;
  long burst = argc > 2 ? atol(argv[2]) : count;
  double spent = 0;
  while (getchar() != EOF)
    ;
  for (long i = 0; i < count; i += burst) {
    double begin = now();
    for (long j = i; j < i + burst && j < count; j++)
      work(j % 200, j & 63);
    spent += now() - begin;
    if (burst < count)
      usleep(1000);
  }
  printf("%.1f\n", spent / (double)count);
  return 0;
}
