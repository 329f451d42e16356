// Sets its own trap flag around work() and counts the steps that its handler
// is told of.
#include "target.h"
#include <signal.h>

static volatile long steps, codes;

static void handle(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  steps++;
  codes += info->si_code;
}

long work(long n);
__asm__(
    ".globl work\n.type work, @function\nwork:\n"
    "  push %rbx\n  lea 3(%rdi), %rbx\n  imul %rbx, %rdi\n  mov %rdi, %rax\n"
    "  nop\n  pop %rbx\n  ret\n.size work, . - work\n");

int main(int argc, char **argv) {
  struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
  sigaction(SIGTRAP, &action, NULL);
  await_go();
  for (long i = 0; i < number(argc, argv, 1, 5); i++) {
    long result, n = i;
    __asm__ volatile("pushfq\n orl $0x100, (%%rsp)\n popfq\n call work\n"
                     "pushfq\n andl $~0x100, (%%rsp)\n popfq\n"
                     : "=a"(result), "+D"(n)
                     :
                     : "memory", "cc");
    printf("%ld %ld %ld\n", result, steps, codes);
  }
  return 0;
}
