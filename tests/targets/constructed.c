// calls.c with a constructor.
#include "calls.c"

__attribute__((constructor, used)) static void construct(void) {
  __asm__ volatile("");
}
