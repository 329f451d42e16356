// Calls a function with instructions on which no trap may be: a transaction,
// which a trap would abort, and branches that are longer on one make of
// processor than on another, which are not reached. Prints what it returns.
#include "target.h"

long work(long n, long transaction);
__asm__(".globl work\n.type work, @function\nwork:\n"
        "  lea 3(%rdi), %rax\n  test %rsi, %rsi\n  je 1f\n"
        "  .byte 0xc7, 0xf8, 0, 0, 0, 0\n  nop\n"
        "1: add $4, %rax\n  ret\n"
        "  .byte 0x66, 0xe8, 0, 0, 0, 0\n  nop\n  ret\n"
        ".size work, . - work\n");
long jump(long n);
__asm__(".globl jump\n.type jump, @function\njump:\n"
        "  lea 5(%rdi), %rax\n  ret\n  .byte 0x66, 0xe9, 0, 0, 0, 0\n  nop\n"
        "  ret\n.size jump, . - jump\n");

int main(int argc, char **argv) {
  long sum = 0;
  await_go();
  for (long i = 0; i < number(argc, argv, 1, 10); i++)
    sum += work(i, 0) + jump(i);
  printf("sum %ld\n", sum);
  return 0;
}
