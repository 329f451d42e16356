// Functions each of which has another reason to be a trap, called as often as
// the first argument says; prints what came of it.
#define _GNU_SOURCE
#include "static_notes.h"
#include "target.h"
#include <stdint.h>
#include <sys/mman.h>

long shows_place(void), shows_steps(long n), steps(long n), odd(void);
long stays(long n), close_by(long n), edge(void);
extern char behind_edge[];

__asm__(".p2align 4\n.globl shows_place\n.type shows_place, @function\n"
        "shows_place:\n  syscall\n  ret\n.size shows_place, . - shows_place\n"
        // Flags with all that a step leaves in them.
        ".p2align 4\n.globl shows_steps\n.type shows_steps, @function\n"
        "shows_steps:\n  pushf\n  pop %rax\n  and $0x100, %rax\n"
        "  add %rdi, %rax\n  ret\n.size shows_steps, . - shows_steps\n"
        ".p2align 4\n.globl steps\n.type steps, @function\n"
        "steps:\n  pushf\n  popf\n  lea 2(%rdi), %rax\n  ret\n"
        ".size steps, . - steps\n"
        // The address of what is behind it, in its lower half.
        ".p2align 4\n.globl odd\n.type odd, @function\n"
        "odd:\n  .byte 0x67, 0x8d, 0x05, 0, 0, 0, 0\n  lea odd(%rip), %rdx\n"
        "  sub %edx, %eax\n  ret\n.size odd, . - odd\n"
        // Both its entry and a return.
        ".p2align 4\n.globl stays\n.type stays, @function\n"
        "stays:\n  jc close_by\n  lea 3(%rdi), %rax\n  ret\n"
        ".size stays, . - stays\n"
        ".p2align 4\n.globl close_by\n.type close_by, @function\n"
        "close_by:\n  push %rbx\n  pop %rbx\n  nop\n  lea 4(%rdi), %rax\n"
        "  ret\n.size close_by, . - close_by\n"
        // The last byte of a page, behind which there is no memory.
        ".p2align 12\n.skip 4095, 0xcc\n.globl edge\n.type edge, @function\n"
        "edge:\n  ret\n.size edge, . - edge\n"
        "behind_edge: .skip 4096, 0xcc\n");

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n + 1;
}

// Two probes at one site with 24 values in memory.
#define SITE_NOTE(name, operands)                                              \
  ".pushsection .note.stapsdt, \"\", \"note\"\n.balign 4\n"                    \
  ".long 992f - 991f, 994f - 993f, 3\n991: .asciz \"stapsdt\"\n"               \
  "992: .balign 4\n993: .quad 990b, _.stapsdt.base, 0\n"                       \
  ".asciz \"reasons\", \"" name "\", \"" operands "\"\n"                       \
  "994: .balign 4\n.popsection\n"

long values[24];

NOINLINE long note(long n) {
  register long *at __asm__("rcx") = values;
  __asm__ volatile(
      "990: nop\n" SITE_NOTE(
          "low", "8@0(%%rcx) 8@8(%%rcx) 8@16(%%rcx) 8@24(%%rcx) 8@32(%%rcx) "
                 "8@40(%%rcx) 8@48(%%rcx) 8@56(%%rcx) 8@64(%%rcx) 8@72(%%rcx) "
                 "8@80(%%rcx) 8@88(%%rcx)")
          SITE_NOTE(
              "high",
              "8@96(%%rcx) 8@104(%%rcx) 8@112(%%rcx) 8@120(%%rcx) "
              "8@128(%%rcx) 8@136(%%rcx) 8@144(%%rcx) 8@152(%%rcx) "
              "8@160(%%rcx) 8@168(%%rcx) 8@176(%%rcx) 8@184(%%rcx)")::"r"(at));
  NOTE("reasons", "usual", "0", "8@%[n]", [n] "r"(n));
  return at[n % 24];
}

int main(int argc, char **argv) {
  long sum = 0;
  for (int i = 0; i < 24; i++)
    values[i] = 100 + i;
  munmap(behind_edge, 4096);
  await_go();
  for (long i = 0; i < number(argc, argv, 1, 10); i++) {
    long pid = 39;
    __asm__ volatile("call shows_place" : "+a"(pid)::"rcx", "r11", "memory");
    sum += pid == getpid();
    sum += shows_steps(i) + steps(i) + odd() + stays(i) + close_by(i);
    edge();
    sum += work(i) + note(i);
  }
  printf("sum %ld\n", sum);
  return 5;
}
