// Instructions that fault, several times each; the handler prints what it is
// told and jumps away. The faults lie at the same places in each run.
#define _GNU_SOURCE
#include "target.h"
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

static sigjmp_buf back;
extern char faults[];

// rdi: which fault; rsi: an address that is not mapped.
__asm__(".globl faults\n.type faults, @function\nfaults:\n"
        "  endbr64\n  cmp $1, %edi\n  je 1f\n  cmp $2, %edi\n  je 2f\n"
        "  cmp $3, %edi\n  je 3f\n  cmp $4, %edi\n  je 4f\n  cmp $5, %edi\n"
        "  je 5f\n  cmp $6, %edi\n  je 6f\n"
        "  mov (%rsi), %eax\n  ret\n"
        "1: xor %eax, %eax\n  cltd\n  xor %ecx, %ecx\n  idivl %ecx\n  ret\n"
        "2: ud2\n  ret\n"
        "3: call *(%rsi)\n  ret\n"
        "4: xchg %rsp, %rsi\n  push %rbp\n  ret\n"
        "5: addl $1, faults(%rip)\n  ret\n"
        "6: jmp *%rsi\n"
        ".size faults, . - faults\n");
void faults_function(int kind, void *address) __asm__("faults");

static void handle(int signal, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  long pc = registers[REG_RIP] - (long)faults;
  long at = (long)info->si_addr;
  printf("%d %d pc %lx at %lx trap %lld\n", signal, info->si_code,
         pc > 0 && pc < 4096 ? pc : -1,
         at - (at > (long)faults - 4096 ? (long)faults : 0),
         registers[REG_TRAPNO]);
  siglongjmp(back, 1);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handle,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK};
  stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
  sigaltstack(&stack, NULL);
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGILL, &action, NULL);
  sigaction(SIGFPE, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  await_go();
  for (volatile int i = 0; i < 21; i++)
    if (sigsetjmp(back, 1) == 0)
      faults_function(i % 7, (void *)0x1008);
  return 0;
}
