// A timer's handler leaves whatever it interrupts by siglongjmp(), until it has
// done so as often as the argument says. Prints how many results of work() were
// wrong, how often it was called at most, and how many calls were left so. The
// timer is set anew each time: on a busy machine handlers that leave their
// stack only after the signal is let in again would fill it.
#define _GNU_SOURCE
#include "target.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

static sigjmp_buf back;
static volatile long calls, jumps, wrong;
long table[8] = {3, 1, 4, 1, 5, 9, 2, 6};

NOINLINE long work(long n) { return table[n & 7] + (n >> 3); }

static void tick(int signal) {
  jumps += signal == SIGALRM;
  siglongjmp(back, 1);
}

int main(int argc, char **argv) {
  static const long expected[8] = {3, 1, 4, 1, 5, 9, 2, 6};
  volatile long us = number(argc, argv, 2, 1000);
  volatile long count = number(argc, argv, 1, 100);
  stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
  sigaltstack(&stack, NULL);
  sigaction(SIGALRM,
            &(struct sigaction){.sa_handler = tick, .sa_flags = SA_ONSTACK},
            NULL);
  await_go();
  sigsetjmp(back, 1);
  setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, us}}, NULL);
  while (jumps < count) {
    long n = calls++;
    wrong += work(n) != expected[n & 7] + (n >> 3);
  }
  signal(SIGALRM, SIG_IGN);
  printf("wrong %ld\n%ld %ld\n", wrong, calls, jumps);
  return 0;
}
