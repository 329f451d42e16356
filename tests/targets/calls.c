// Calls work() as often as the argument says, and prints the sum of results.
#include "target.h"

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n * 3 + 1;
}

int main(int argc, char **argv) {
  long sum = 0;
  await_go();
  for (long i = 0; i < number(argc, argv, 1, 10); i++)
    sum += work(i);
  printf("sum %ld\n", sum);
  return 7;
}
