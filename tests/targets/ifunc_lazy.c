// Loads the library that its argument names, whose calls are bound when they
// are first made, and calls work() of it twice, each time when it is told to.
// cc: -rdynamic -ldl
#include "target.h"
#include <dlfcn.h>

long preempted(long n);
long preempted(long n) { return n; }

int main(int argc, char **argv) {
  void *library = argc > 1 ? dlopen(argv[1], RTLD_LAZY) : NULL;
  long (*work)(long) = library ? (long (*)(long))dlsym(library, "work") : NULL;
  if (!work)
    return 1;
  for (int round = 0; round < 2; round++) {
    await_go();
    printf("sum %ld\n", work(5));
    fflush(stdout);
  }
  return 0;
}
