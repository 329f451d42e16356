// Static probes as `dtrace -G` leaves them in the code: asks whether they are
// enabled in two ways, passes two sites with arguments, and prints how often
// the answer was yes. wrong() has no site, though an object might say so.
#include "target.h"

__asm__(
    ".macro function name\n.globl \\name\n.type \\name, @function\n\\name:\n"
    ".endm\n.macro end name\n.size \\name, . - \\name\n.endm\n"
    // The site is the instruction that clears the result.
    "function asks\n  xor %eax, %eax\n  nop\n  nop\n  nop\n  ret\nend asks\n"
    // The site is the nop behind it, at offset 3.
    "function asks_behind\n  xor %rax, %rax\n  nop\n  nop\n  ret\n"
    "end asks_behind\n"
    // A call that was taken out, at offset 0x33: ten arguments.
    "function fires\n  push $-10\n  push $9\n  push $-8\n  push $7\n"
    "  mov $-6, %r9\n  mov $5, %r8\n  mov $-4, %rcx\n  mov $3, %rdx\n"
    "  mov $-2, %rsi\n  mov $1, %rdi\n"
    "  .globl site\n  .type site, @function\nsite: nop\n  nop\n  nop\n"
    "  nop\n  nop\n.size site, . - site\n"
    "  add $32, %rsp\n  ret\nend fires\n"
    // A tail call that was taken out.
    "function fires_last\n  ret\n  nop\n  nop\n  nop\n  nop\nend fires_last\n"
    "function wrong\n  mov $5, %eax\n  ret\nend wrong\n");
long asks(void), asks_behind(void), wrong(void);
void fires(void);
void fires_last(long, long, long, long, long, long, long, long);

int main(int argc, char **argv) {
  long yes = 0, count = number(argc, argv, 1, 4), sum = 0;
  await_go();
  for (long i = 0; i < count; i++) {
    yes += asks() + asks_behind();
    fires();
    fires_last(1, 2, 3, 4, 5, 6, i, -i);
    sum += wrong();
  }
  printf("%ld times yes, sum %ld\n", yes, sum);
  return 0;
}
