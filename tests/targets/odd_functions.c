// Functions that need care: mixed() has data among its instructions, which it
// adds up; twice() has a second, weak name; leaves() never returns, and has no
// instruction by which it could; puts() is another module's.
#include "target.h"

long mixed(long n);
__asm__(
    ".globl mixed\n.type mixed, @function\nmixed:\n"
    "  test %rdi, %rdi\n  je 1f\n  jmp 2f\n"
    // No instructions in 64-bit mode; the last ones would hide what follows.
    "0: .byte 0x06, 0x0e, 0x16, 0x48, 0xb8\n"
    "1: xor %eax, %eax\n  ret\n"
    "2: movzbl 0b(%rip), %eax\n  movzbl 0b+4(%rip), %ecx\n"
    "  add %rcx, %rax\n  add %rdi, %rax\n  ret\n"
    ".size mixed, . - mixed\n");

NOINLINE long twice(long n) { return 2 * n; }
long _twice(long n) __attribute__((weak, alias("twice")));

__attribute__((noreturn)) NOINLINE void leaves(int code) {
  fflush(stdout);
  _exit(code);
}

int main(void) {
  await_go();
  printf("%ld %ld %ld\n", mixed(0), mixed(1), mixed(2));
  printf("%ld %ld\n", twice(4), _twice(5));
  puts("leaves");
  leaves(9);
}
