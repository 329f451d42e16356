// Has a handler of SIGUSR1 on a stack of its own, which says "handling" and
// returns when there is a line of input. Otherwise each line is answered by
// itself, after all that the handler has left on its stack was cleared. An
// argument has the mapping of that stack begin with a page that guards it.
#define _GNU_SOURCE
#include "target.h"
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096
#define STACK (16 * PAGE)
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

static void handle(int signal) {
  char line[64];
  if (signal != SIGUSR1 || write(1, "handling\n", 9) != 9 ||
      read(0, line, sizeof line) <= 0)
    _exit(7);
}

int main(int argc, char **argv) {
  char line[64];
  char *stack = mmap(NULL, PAGE + STACK, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack_t own = {.ss_sp = stack + PAGE, .ss_size = STACK};
  struct sigaction action = {.sa_handler = handle,
                             .sa_flags = SA_ONSTACK | SA_RESTART};
  (void)argv;
  if (stack == MAP_FAILED || sigaltstack(&own, NULL) != 0 ||
      sigaction(SIGUSR1, &action, NULL) != 0)
    return 8;
  // Kernels before 6.13 have no such pages.
  if (argc > 1)
    madvise(stack, PAGE, MADV_GUARD_INSTALL);
  await_go();
  while (fgets(line, sizeof line, stdin) != NULL) {
    memset(own.ss_sp, 0, STACK);
    fputs(line, stdout);
    fflush(stdout);
  }
  return 5;
}
