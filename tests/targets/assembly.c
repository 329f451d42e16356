// One function of many kinds of instructions; prints a sum over everything
// that they compute.
#include "target.h"
#include <string.h>

struct state {
  unsigned long values[16];
  char from[256], to[256];
} state;
long counter = 5;
double numbers[4] = {1.5, 2.25, -3.5, 100};

// rdi: the state; rsi: a number from 0 to 3 that chooses a case.
long work(struct state *state, long choice);
__asm__(
    ".globl work\n.type work, @function\nwork:\n"
    "  endbr64\n  push %rbp\n  mov %rsp, %rbp\n  push %rbx\n  push %r12\n"
    "  sub $32, %rsp\n  mov %rdi, %rbx\n  mov %rsi, %r12\n"
    "  lea 0f(%rip), %rax\n  movslq (%rax,%rsi,4), %rcx\n  add %rcx, %rax\n"
    "  jmp *%rax\n"
    "1: lea 128(%rbx), %rsi\n  lea 384(%rbx), %rdi\n  mov $256, %ecx\n"
    "  cld\n  rep movsb\n  lock xadd %r12, counter(%rip)\n  jmp 5f\n"
    "2: mov $39, %eax\n  syscall\n  cmp $0, %eax\n  setg %al\n  movzbl %al, "
    "%eax\n"
    "  mov %rax, (%rbx)\n  pushfq\n  pop %rax\n  and $0x8c1, %eax\n"
    "  mov %rax, 8(%rbx)\n  jmp 5f\n"
    "3: fldl numbers(%rip)\n  faddl numbers+8(%rip)\n  fstpl 16(%rbx)\n"
    "  movsd numbers+16(%rip), %xmm0\n  mulsd numbers+24(%rip), %xmm0\n"
    "  movsd %xmm0, 24(%rbx)\n  cvttsd2si %xmm0, %rax\n  mov %rax, 32(%rbx)\n"
    "  mov $7, %eax\n  mov $6, %ecx\n  mull counter(%rip)\n  shll %cl, "
    "40(%rbx)\n"
    "  add %rax, 40(%rbx)\n  mov $5, %eax\n  cmpxchg %rcx, counter(%rip)\n  "
    "jmp 5f\n"
    "4: mov $3, %ecx\n6: add %rcx, 48(%rbx)\n  loop 6b\n  jrcxz 7f\n  ud2\n"
    "7: enter $16, $0\n  movq $9, -8(%rbp)\n  pushq -8(%rbp)\n  popq 56(%rbx)\n"
    "  leave\n  call *8f(%rip)\n  call 9f\n  xor %eax, %eax\n  push %rbx\n  "
    "cpuid\n  pop %rbx\n"
    "  add %eax, 64(%rbx)\n  jmp 5f\n"
    "5: mov %r12, %rax\n  add $32, %rsp\n  pop %r12\n  pop %rbx\n  leave\n  "
    "ret\n"
    ".size work, . - work\n"
    "9: addq $1, 72(%rbx)\n  ret\n"
    ".section .rodata\n.balign 4\n0: .long 1b - 0b, 2b - 0b, 3b - 0b, 4b - 0b\n"
    ".section .data.rel\n8: .quad 9b\n.text\n");

int main(int argc, char **argv) {
  long sum = 0;
  memset(state.from, 'x', sizeof state.from);
  await_go();
  for (long i = 0; i < number(argc, argv, 1, 40); i++)
    sum = sum * 31 + work(&state, i & 3);
  for (int i = 0; i < 16; i++)
    sum = sum * 31 + (long)state.values[i];
  for (int i = 0; i < 256; i++)
    sum = sum * 31 + state.to[i];
  printf("%ld %ld\n", sum, counter);
  return 0;
}
