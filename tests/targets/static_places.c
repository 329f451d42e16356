/*
 * Static probes whose arguments are in each register, in parts of registers, on
 * the stack and elsewhere in memory, at sites where registers, flags and the
 * red zone hold what no compiler would leave there. Prints how often work()
 * found that they were not what they had been. `static_places N` works N times.
 */
#include "target.h"

#include <stdint.h>
#include <string.h>

#define REGISTERS 16
/* CF, PF, AF, ZF, SF and OF, IF and the bit that is always set. */
#define FLAGS 0xad7
#define RED_ZONE 0x8877665544332211

/* What work() found behind its sites: general registers, flags, red zone. */
uint64_t found[REGISTERS + 2];
uint64_t stack_pointer;
int64_t table[8] = {-1, 2, -3, 4, -5, 6, -7, 8};
_Thread_local int own = -9;
void work(long n);

/* A site, and an instruction behind it that a jump takes along. */
asm(".macro SITE name, operands\n"
    "990: nop\n"
    ".byte 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0\n"
    ".pushsection .note.stapsdt, \"\", \"note\"\n"
    ".balign 4\n"
    ".long 992f - 991f, 994f - 993f, 3\n"
    "991: .asciz \"stapsdt\"\n"
    "992: .balign 4\n"
    "993: .quad 990b, _.stapsdt.base, 0\n"
    ".asciz \"places\", \"\\name\", \"\\operands\"\n"
    "994: .balign 4\n"
    ".popsection\n"
    ".endm\n"
    ".pushsection .stapsdt.base, \"a\", \"progbits\"\n"
    "_.stapsdt.base: .space 1\n"
    ".popsection\n");

asm(".text\n"
    ".globl work\n"
    ".type work, @function\n"
    "work:\n"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "mov $0xad7, %eax; push %rax\n"
    "movabs $0xfedcba9876543210, %rax; push %rax; push %rdi\n"
    "mov %rsp, stack_pointer(%rip)\n"
    "movabs $0x8877665544332211, %rax\n"
    "movq %rax, %xmm0; movq %rdi, %xmm15\n"
    "mov $0xc0200000, %eax; movd %eax, %xmm7\n"
    /* A jump behind popf would be a step more. */
    "lea 16(%rsp), %rsp; popf; lea -24(%rsp), %rsp\n"
    "movabs $0x8877665544332211, %rax\n"
    "mov %rax, -8(%rsp); mov %rax, -128(%rsp)\n"
    "movabs $0x8000111122223333, %rax\n"
    "movabs $0x8111222233334444, %rcx\n"
    "movabs $0x8222333344445555, %rdx\n"
    "movabs $0x8333444455556666, %rbx\n"
    "movabs $0x8555666677778888, %rbp\n"
    "movabs $0x8666777788889999, %rsi\n"
    "movabs $0x8777888899990000, %rdi\n"
    "movabs $0x8888999900001111, %r8\n"
    "movabs $0x8999000011112222, %r9\n"
    "movabs $0x8aaa111122223333, %r10\n"
    "movabs $0x8bbb222233334444, %r11\n"
    "movabs $0x8ccc333344445555, %r12\n"
    "movabs $0x8ddd444455556666, %r13\n"
    "movabs $0x8eee555566667777, %r14\n"
    "movabs $0x8fff666677778888, %r15\n"
    "SITE first, \"8@%rax 8@%rcx 8@%rdx 8@%rbx 8@%rbp 8@%rsi\"\n"
    "SITE second, \"-8@%rdi -8@%r8 -8@%r9 -8@%r10 -8@%r11 -8@%r12\"\n"
    "SITE third, \"8@%r13 8@%r14 8@%r15 8@%rsp -8@%xmm0 8f@%xmm15\"\n"
    "SITE parts, \"-1@%al 1@%ah -1@%bh -2@%cx 4@%edx -4@%esi\"\n"
    "SITE others, \"-1@%dil -4@%r8d 2@%r9w 1@%r10b 4f@%xmm7 -4@%r12d\"\n"
    "SITE stack, \"-8@(%rsp) 8@8(%rsp) -4@12(%rsp) 2@14(%rsp) 1@-1(%rsp) "
    "-8@-128(%rsp)\"\n"
    "SITE constants, \"-4@$7 8@%r15 8@$18446744073709551615 -1@$200 -4@%ecx "
    "4@$1 -8@(%rsp) 8@what is this\"\n"
    "SITE many, \"8@%rax 8@%rcx 8@%rdx 8@%rbx 8@%rbp 8@%rsi 8@%rsp\"\n"
    "mov %rax, found(%rip); mov %rcx, found + 8(%rip)\n"
    "mov %rdx, found + 16(%rip); mov %rbx, found + 24(%rip)\n"
    "mov %rsp, found + 32(%rip); mov %rbp, found + 40(%rip)\n"
    "mov %rsi, found + 48(%rip); mov %rdi, found + 56(%rip)\n"
    "mov %r8, found + 64(%rip); mov %r9, found + 72(%rip)\n"
    "mov %r10, found + 80(%rip); mov %r11, found + 88(%rip)\n"
    "mov %r12, found + 96(%rip); mov %r13, found + 104(%rip)\n"
    "mov %r14, found + 112(%rip); mov %r15, found + 120(%rip)\n"
    "mov -8(%rsp), %rax; mov -128(%rsp), %rcx\n"
    "mov %rax, found + 136(%rip)\n"
    "pushf; pop found + 128(%rip)\n"
    "xor %rcx, %rax; add %rax, found + 136(%rip)\n"
    /* Where no frame pointer leads, and at symbols. */
    "lea table(%rip), %rbx; mov (%rsp), %rcx; and $3, %ecx\n"
    "lea (%rbx,%rcx,8), %rbp; lea 48(%rbx), %r12; mov $-1, %r13d\n"
    "movabs $0x700000008, %r14\n"
    "SITE memory, \"-8@(%rbx) -4@8(%rbx,%rcx,8) 2@-8(%r12) 1@(%rbp) "
    "-8@table+8(%rip) -4@%fs:own@tpoff -8@(%rbx,%r14d,2)\"\n"
    "SITE nowhere, \"8@8(%r13) -8@%rcx\"\n"
    "add $24, %rsp\n"
    "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "ret\n"
    ".size work, . - work\n");

static const uint64_t expected[] = {0x8000111122223333,
                                    0x8111222233334444,
                                    0x8222333344445555,
                                    0x8333444455556666,
                                    0,
                                    0x8555666677778888,
                                    0x8666777788889999,
                                    0x8777888899990000,
                                    0x8888999900001111,
                                    0x8999000011112222,
                                    0x8aaa111122223333,
                                    0x8bbb222233334444,
                                    0x8ccc333344445555,
                                    0x8ddd444455556666,
                                    0x8eee555566667777,
                                    0x8fff666677778888,
                                    FLAGS,
                                    RED_ZONE};

int main(int argc, char **argv) {
  long times = number(argc, argv, 1, 3);
  long wrong = 0;
  await_go();
  for (long n = 0; n < times; n++) {
    memset(found, 0, sizeof found);
    work(n);
    found[4] -= stack_pointer;
    if (memcmp(found, expected, sizeof found) != 0)
      wrong++;
  }
  printf("worked %ld times, %ld wrong\n", times, wrong);
  return 0;
}
