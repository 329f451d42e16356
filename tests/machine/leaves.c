/*
 * Calls a function that it leaves by a conditional branch, or by an indirect
 * jump, after an indirect jump that stays in it; prints the sum of results.
 */
#include <stdio.h>

enum { CALLS = 400 };

long end(long number);
long leave(long number, long (*tail)(long));
__asm__(".p2align 4\n.globl leave\n.type leave, %function\nleave:\n"
        "  tbnz x0, #0, end\n"
        "  adr x16, 1f\n  tbz x0, #1, 1f\n  br x16\n"
        "1: nop\n  br x1\n.size leave, . - leave\n"
        ".globl end\n.type end, %function\nend:\n"
        "  add x0, x0, #1\n  ret\n.size end, . - end\n");

int main(void) {
  long sum = 0;
  for (long i = 0; i < CALLS; i++)
    sum += leave(i, end);
  printf("sum %ld\n", sum);
  return 0;
}
