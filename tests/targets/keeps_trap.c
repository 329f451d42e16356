// Prints how it takes SIGTRAP behind calls of work(), and sends itself some.
// The argument says whether it handles, ignores, blocks (all) or awaits it.
#define _GNU_SOURCE
#include "target.h"
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static volatile int handled;

NOINLINE long work(long n) {
  __asm__ volatile("" ::: "memory");
  return n & 7;
}

static void show(const char *when) {
  struct sigaction action;
  sigset_t mask;
  work(1);
  sigaction(SIGTRAP, NULL, &action);
  sigprocmask(SIG_BLOCK, NULL, &mask);
  printf("%s: action %d, mask %d %d %d, handled %d\n", when,
         action.sa_handler == SIG_DFL ? 0 : 1 + (action.sa_handler == SIG_IGN),
         sigismember(&mask, SIGTRAP), sigismember(&mask, SIGUSR1),
         sigismember(&mask, SIGSEGV), handled);
}

static void handle(int signal) {
  handled += signal == SIGTRAP;
  show("in the handler");
}

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "handles";
  struct sigaction action = {.sa_handler = strstr(how, "handles")   ? handle
                                           : strstr(how, "ignores") ? SIG_IGN
                                                                    : SIG_DFL};
  sigset_t set;
  int got = 0, blocks = strstr(how, "blocks") != NULL;
  strstr(how, "all") ? sigfillset(&set) : sigemptyset(&set);
  sigaddset(&set, SIGTRAP);
  sigaction(SIGTRAP, &action, NULL);
  sigprocmask(SIG_BLOCK, blocks ? &set : NULL, NULL);
  await_go();
  show("first"), show("second");
  if (blocks)
    raise(SIGTRAP), show("pending");
  if (strstr(how, "waits"))
    printf("%d %d\n", sigwait(&set, &got), got);
  sigprocmask(SIG_UNBLOCK, blocks ? &set : NULL, NULL);
  if (action.sa_handler != SIG_DFL)
    raise(SIGTRAP), show("raised"), kill(getpid(), SIGTRAP), show("killed");
  for (int i = 0; strstr(how, "int3") && i < 3; i++)
    __extension__({ __asm__ volatile("int3"); }), show("own trap");
  if (fflush(stdout), fork() == 0)
    show("child"), exit(0);
  wait(NULL), signal(SIGTRAP, SIG_DFL), show("reset");
  fflush(stdout), raise(SIGTRAP);
}
