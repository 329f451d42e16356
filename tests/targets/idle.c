// Waits, then ends. work() is never called.
#include "target.h"

NOINLINE long work(long n) { return n + 1; }

int main(void) {
  await_go();
  puts("done");
  return work(4) == 5 ? 5 : 0;
}
