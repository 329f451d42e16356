// Sends itself many signals, some with values, and prints what its handlers
// were told, while every handler calls work().
#include "target.h"
#include <signal.h>
#include <string.h>

static char text[65536];
static size_t used;

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n;
}

static void handle(int signal, siginfo_t *info, void *context) {
  (void)context;
  used += (size_t)snprintf(text + used, sizeof text - used, "%d %d %d %d\n",
                           (int)work(signal), info->si_code,
                           info->si_pid == getpid(), info->si_value.sival_int);
}

int main(int argc, char **argv) {
  const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGUSR1,  SIGUSR2,
                         SIGPIPE, SIGALRM, SIGTERM, SIGWINCH, SIGCHLD,
                         SIGIO,   SIGTSTP, SIGTTIN, SIGRTMIN, SIGRTMAX};
  struct sigaction action = {.sa_sigaction = handle,
                             .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigset_t all, before;
  long rounds = number(argc, argv, 1, 10);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    sigaction(signals[i], &action, NULL);
  await_go();
  for (int round = 0; round < rounds; round++) {
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
      union sigval value = {.sival_int = round * 100 + (int)i};
      if (sigqueue(getpid(), signals[i], value) != 0)
        return 1;
      work(0);
    }
    // Queued while blocked: real-time signals keep their number and order.
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    for (int i = 0; i < 5; i++)
      sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i});
    sigprocmask(SIG_SETMASK, &before, NULL);
  }
  fputs(text, stdout);
  return (int)strlen(text) % 100;
}
