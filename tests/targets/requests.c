/*
 * requests.c - for each number on its standard input calls serve() that often,
 * and says so. Exits with 7 when there are no more.
 */
#include "target.h"

static volatile long served;

NOINLINE long serve(long request) { return served += request & 1; }

int main(void) {
  long count;
  printf("ready\n");
  fflush(stdout);
  while (scanf("%ld", &count) == 1) {
    for (long i = 0; i < count; i++)
      serve(i);
    printf("served %ld, %ld of them odd\n", count, served);
    fflush(stdout);
    served = 0;
  }
  return 7;
}
