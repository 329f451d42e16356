/* Calls a function as often as the first argument says: the target of the trap
 * benchmark. */
#include <stdlib.h>

__attribute__((noinline)) void work(void) { __asm__ volatile(""); }

int main(int argc, char **argv) {
  long count = argc > 1 ? atol(argv[1]) : 0;
  for (long i = 0; i < count; i++)
    work();
  return 0;
}
