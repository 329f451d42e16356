/*
 * Checks its vectors of SVE as long as standard input is open, and prints how
 * many of their bytes were wrong, and whether there are vectors of more than
 * 128 bits at all.
 *
 * cc: -march=armv8.2-a+sve
 */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

/* Writes all bytes of two registers, and a predicate; waits; counts bytes of
   the registers and bits of the predicate that are others then. */
long look(long turns);
__asm__(".p2align 4\n.globl look\n.type look, %function\nlook:\n"
        "  mov w2, #5\n  ptrue p1.b\n  mov x3, #11\n  whilelo p3.b, xzr, x3\n"
        "  index z8.b, w2, #3\n  mov z31.d, z8.d\n"
        "1: subs x0, x0, #1\n  b.ne 1b\n"
        "  ptrue p1.b\n  index z9.b, w2, #3\n"
        "  cmpne p2.b, p1/z, z8.b, z9.b\n  cntp x4, p1, p2.b\n"
        "  cmpne p2.b, p1/z, z31.b, z9.b\n  cntp x5, p1, p2.b\n"
        "  add x0, x4, x5\n"
        "  whilelo p2.b, xzr, x3\n  eor p2.b, p1/z, p2.b, p3.b\n"
        "  cntp x5, p1, p2.b\n  add x0, x0, x5\n  ret\n"
        ".size look, . - look\n");

static long bytes_of_vector(void) {
  long bytes;
  __asm__("cntb %0" : "=r"(bytes));
  return bytes;
}

int main(void) {
  struct pollfd input = {.fd = 0, .events = POLLIN};
  long wrong = 0, turns = 0;
  puts("ready");
  fflush(stdout);
  while (poll(&input, 1, 0) == 0) {
    wrong += look(100000);
    turns++;
  }
  printf("%ld wrong, %s, %s\n", wrong, turns > 0 ? "looked" : "did not look",
         bytes_of_vector() > 16 ? "long" : "short");
  return 0;
}
