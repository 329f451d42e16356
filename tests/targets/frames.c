// Calls told() from frames of many kinds, and prints what backtrace(3) finds.
// cc: -O2 -fomit-frame-pointer -rdynamic
#include <alloca.h>
#include <execinfo.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "target.h"

enum { FRAMES = 64 };

NOINLINE void told(const char *kind) {
  void *frames[FRAMES];
  int count = backtrace(frames, FRAMES);
  printf("%s", kind);
  // The first one is where told() itself has got to.
  for (int i = 1; i < count; i++)
    printf(" %lx", (unsigned long)frames[i]);
  printf("\n");
  fflush(stdout);
}

NOINLINE long deep(long n) {
  if (n == 0) {
    told("deep");
    return 1;
  }
  return n * deep(n - 1) + 1;
}

NOINLINE long roomy(size_t bytes) {
  char *room = alloca(bytes);
  memset(room, 1, bytes);
  told("roomy");
  return room[bytes / 2];
}

static int compare(const void *a, const void *b) {
  static int asked;
  if (!asked++)
    told("compare");
  return *(const int *)a - *(const int *)b;
}

static void handle(int signal) { told(signal == SIGUSR1 ? "signal" : "stack"); }

NOINLINE void raises(int signal) {
  raise(signal);
  __asm__ volatile("");
}

static jmp_buf home;

// The call is its last instruction.
__attribute__((noinline, noreturn)) static void never(void) {
  told("never");
  longjmp(home, 1);
}

__attribute__((noinline, noreturn)) static void last(void) { never(); }

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n + 1;
}

NOINLINE long tail(long n) {
  __asm__ volatile("");
  return n & 1 ? work(n) : n;
}

int main(void) {
  static char stack[1 << 16];
  int numbers[] = {3, 1, 2};
  stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction action = {.sa_handler = handle};
  await_go();
  sigaction(SIGUSR1, &action, NULL);
  action.sa_flags = SA_ONSTACK;
  sigaltstack(&other, NULL);
  sigaction(SIGUSR2, &action, NULL);
  told("main");
  long sum = deep(9) + roomy(5000);
  qsort(numbers, 3, sizeof numbers[0], compare);
  raises(SIGUSR1);
  raises(SIGUSR2);
  if (!setjmp(home))
    last();
  sum += tail(1) + tail(2);
  printf("sum %ld\n", sum);
  return 0;
}
