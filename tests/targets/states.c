// One function of instructions that depend on the state of the processor or
// show it: flags, x87, SSE, AVX and AVX-512 registers, the time stamp, the
// stack segment, segment bases. Prints what is left of it.
#include "filter.h"
#include "target.h"
#include <string.h>

unsigned char from[1 << 20], to[1 << 20];
struct state {
  unsigned long words[16];
  unsigned char vectors[8][64];
} state __attribute__((aligned(64)));
__thread void *volatile leads;
__thread void *volatile slot;

void work(struct state *state, long wide, long bytes);
__asm__(".globl work\n.type work, @function\nwork:\n  push %rbx\n"
        "  mov %rsi, %r8\n  mov %rdx, %rcx\n  mov %rdi, %rbx\n"
        "  fldpi\n  fldl2e\n  fld1\n  fsubr %st(1), %st\n  movdqu from(%rip), "
        "%xmm1\n"
        "  cmp $1, %r8\n  jb 1f\n  vmovdqu from(%rip), %ymm2\n  jbe 1f\n"
        "  vmovdqu64 from(%rip), %zmm17\n  kxnorw %k1, %k1, %k2\n"
        "1: stc\n  pushfq\n  popq (%rbx)\n  nop\n  nop\n  nop\n  pushfq\n"
        "  orq $0x40, (%rsp)\n  popfq\n  setz %al\n  mov %al, 8(%rbx)\n"
        "  std\n  pushfq\n  cld\n  popq 16(%rbx)\n  rdtsc\n  shl $32, %rdx\n"
        "  or %rdx, %rax\n  mov %rax, %r9\n  rdtsc\n  shl $32, %rdx\n"
        "  or %rdx, %rax\n  cmp %r9, %rax\n  setae %al\n  mov %al, 24(%rbx)\n"
        "  xor %eax, %eax\n  mov %ss, %eax\n  mov %eax, %ss\n  nop\n  mov "
        "%eax, %ss\n  pushfq\n"
        "  popq 32(%rbx)\n  push %rcx\n  lea from(%rip), %rsi\n"
        "  lea to(%rip), %rdi\n  rep movsb\n  pop %rcx\n  mov $3, %ecx\n"
        "2: addq $5, 40(%rbx)\n  loop 2b\n  jrcxz 3f\n  ud2\n3: mov $9, %ecx\n"
        "  jmp 4f\n5: incq 48(%rbx)\n4: dec %ecx\n  test %ecx, %ecx\n"
        "  loopne 5b\n  lea 6f(%rip), %rax\n  mov %rax, %fs:leads@tpoff\n"
        "  jmp *%fs:leads@tpoff\n  ud2\n6: lea 7f(%rip), %rax\n"
        "  mov %rax, %fs:slot@tpoff\n  mov $slot@tpoff, %rcx\n"
        "  call *%fs:(%rcx)\n  jmp 8f\n7: incq 56(%rbx)\n  ret\n"
        "8: movdqu %xmm1, 128(%rbx)\n  fstpl 64(%rbx)\n  fstpl 72(%rbx)\n"
        "  fstpl 80(%rbx)\n  cmp $1, %r8\n  jb 9f\n  vmovdqu %ymm2, 192(%rbx)\n"
        "  jbe 9f\n  vmovdqu64 %zmm17, 256(%rbx)\n  kmovw %k2, %eax\n"
        "  mov %eax, 88(%rbx)\n9: pop %rbx\n  ret\n.size work, . - work\n");

int main(int argc, char **argv) {
  unsigned long sum = 0;
  for (size_t i = 0; i < sizeof from; i++)
    from[i] = (unsigned char)(i * 7 + (i >> 8));
  long wide = __builtin_cpu_supports("avx512f")
                  ? 2
                  : __builtin_cpu_supports("avx2") != 0;
  if (number(argc, argv, 3, 0))
    filter_calls();
  await_go();
  for (long i = 0; i < number(argc, argv, 1, 3); i++)
    work(&state, wide, number(argc, argv, 2, sizeof from));
  for (size_t i = 0; i < sizeof state; i++)
    sum = sum * 31 + ((unsigned char *)&state)[i];
  printf("%lx %lx %lx %d %lx\n", state.words[0], state.words[2], state.words[4],
         memcmp(from, to, sizeof to), sum);
  return 0;
}
