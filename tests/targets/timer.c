// Calls work() while a timer interrupts it; the handler, on a stack of its
// own, checks that the interrupted pc lies in memory that was executable at
// the start, and calls work() as well. The handler's stack shows a bad pc.
#define _GNU_SOURCE
#include "target.h"
#include <signal.h>
#include <sys/time.h>
#include <ucontext.h>

static unsigned long from[64], to[64];
static int ranges;
static volatile long bad, ticks, inside;
long table[8] = {3, 1, 4, 1, 5, 9, 2, 6};

NOINLINE long work(long n) { return table[n & 7] + (n >> 3); }

static void tick(int signal, siginfo_t *info, void *context) {
  unsigned long pc =
      (unsigned long)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
  int found = 0;
  (void)signal, (void)info;
  for (int i = 0; i < ranges; i++)
    found |= pc >= from[i] && pc < to[i];
  bad += !found;
  inside += pc >= (unsigned long)work && pc < (unsigned long)work + 64;
  ticks++;
  bad += work(9) != 2;
}

int main(int argc, char **argv) {
  char line[512], flags[8];
  FILE *maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps) && ranges < 64)
    if (sscanf(line, "%lx-%lx %7s", &from[ranges], &to[ranges], flags) == 3 &&
        flags[2] == 'x')
      ranges++;
  fclose(maps);
  stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
  sigaltstack(&stack, NULL);
  struct sigaction action = {.sa_sigaction = tick,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  await_go();
  long us = number(argc, argv, 2, 1000), sum = 0;
  struct itimerval timer = {{0, us}, {0, us}};
  setitimer(ITIMER_REAL, &timer, NULL);
  for (long i = 0; i < number(argc, argv, 1, 10000); i++)
    sum += work(i);
  timer = (struct itimerval){0};
  setitimer(ITIMER_REAL, &timer, NULL);
  printf("sum %ld\nbad %ld\n", sum, bad);
  printf("ticks %ld\ninside %ld\n", ticks, inside);
  return 0;
}
