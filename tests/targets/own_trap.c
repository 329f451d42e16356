// Raises SIGTRAP in every way a program can, and prints what its handler saw.
#define _GNU_SOURCE
#include "target.h"
#include <signal.h>
#include <ucontext.h>

extern char after_one[], after_two[], after_wide[];

static void handle(int signal, siginfo_t *info, void *context) {
  char *pc = (char *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
  const char *place = pc == after_one    ? "one"
                      : pc == after_two  ? "two"
                      : pc == after_wide ? "wide"
                                         : "elsewhere";
  printf("%d %d %s\n", signal, info->si_code, place);
}

NOINLINE void work(void) {
  __asm__ volatile("nop\n int3\nafter_one: nop\n int3\nafter_two: nop\n"
                   ".byte 0xcd, 3\nafter_wide: nop\n");
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
  sigaction(SIGTRAP, &action, NULL);
  await_go();
  work();
  raise(SIGTRAP);
  kill(getpid(), SIGTRAP);
  work();
  sigqueue(getpid(), SIGTRAP, (union sigval){.sival_int = 3});
  fflush(stdout);
  signal(SIGTRAP, SIG_DFL);
  work(); // ends the program
  return 0;
}
