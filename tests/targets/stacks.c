// Calls work() without a stack, without a thread pointer, and on the smallest
// stacks that it can use, while a timer's handler has the least one as well.
#define _GNU_SOURCE
#include "target.h"
#include <asm/prctl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>

long counter = 1, table[4] = {2, 3, 5, 7};
static volatile long ticks;

// rdi: a number; rsi: the stack pointer that it has in the meantime; rdx: how
// many words there are above it. It uses them in all ways in which it can.
unsigned long work(long n, void *stack, long words);
__asm__(".globl work\n.type work, @function\nwork:\n"
        "  endbr64\n  mov %rsp, %r8\n  mov %rdx, %r9\n  mov %rsi, %rsp\n"
        "  lea 1(%rdi), %rax\n  nop\n  add counter(%rip), %rax\n"
        "  lea table(%rip), %rcx\n  and $3, %edi\n  imul (%rcx,%rdi,8), %rax\n"
        "  lock addq $3, counter(%rip)\n  test %r9, %r9\n  je 1f\n"
        "  push %rax\n  pushq counter(%rip)\n  popq counter(%rip)\n  pop %rax\n"
        "  call 2f\n  call *target(%rip)\n  push $77\n  add %rax, (%rsp)\n"
        "  pop %rax\n1: mov %r8, %rsp\n  jmp 3f\n2: add $9, %rax\n  ret\n"
        "3: ret\n.size work, . - work\n"
        ".data\ntarget: .quad 2b\n.text\n");

// The same without a thread pointer; rsi: what that is.
unsigned long without(long n, unsigned long base);
__asm__("without:\n  push %rbx\n  push %rsi\n  push %rdi\n  mov $158, %eax\n"
        "  mov $0x1002, %edi\n  xor %esi, %esi\n  syscall\n  pop %rdi\n"
        "  xor %edx, %edx\n  call work\n  mov %rax, %rbx\n  pop %rsi\n"
        "  mov $158, %eax\n  mov $0x1002, %edi\n  syscall\n"
        "  mov %rbx, %rax\n  pop %rbx\n  ret\n");

static void tick(int signal) { ticks += signal == SIGALRM; }

int main(int argc, char **argv) {
  static char small[1 << 16];
  unsigned long sum = 0, base;
  long us = number(argc, argv, 2, 500);
  char *page =
      mmap(NULL, 3 << 12, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(page + 4096, 4096, PROT_READ | PROT_WRITE);
  stack_t stack = {.ss_sp = small, .ss_size = (size_t)sysconf(_SC_MINSIGSTKSZ)};
  sigaltstack(&stack, NULL);
  sigaction(SIGALRM,
            &(struct sigaction){.sa_handler = tick, .sa_flags = SA_ONSTACK},
            NULL);
  syscall(SYS_arch_prctl, ARCH_GET_FS, &base);
  await_go();
  setitimer(ITIMER_REAL, &(struct itimerval){{0, us}, {0, us}}, NULL);
  for (long i = 0; i < number(argc, argv, 1, 20); i++) {
    sum =
        sum * 3 + work(i, NULL, 0) + work(i, page, 0) + work(i, (void *)-8L, 0);
    sum = sum * 3 + work(i, page + 8192, 512) + work(i, page + 4096 + 16, 2);
    sum = sum * 3 + work(i, page + 8192 - 16, 2) + without(i, base);
  }
  setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
  printf("%lu %ld\n", sum, counter);
  return ticks < 0;
}
