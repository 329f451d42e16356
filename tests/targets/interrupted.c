// System calls that signals interrupt, with and without SA_RESTART, made by
// work(), which can be probed at every instruction; prints the results.
#define _GNU_SOURCE
#include "target.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static volatile int ticks, writes;
static int ends[2];

// A plain system call with three arguments.
long work(long number, void *a, void *b, void *c);
__asm__(".globl work\n.type work, @function\nwork:\n  endbr64\n"
        "  mov %rdi, %rax\n  mov %rsi, %rdi\n  mov %rdx, %rsi\n"
        "  mov %rcx, %rdx\n  syscall\n  ret\n.size work, . - work\n");

static void tick(int signal) {
  (void)signal;
  if (++ticks == 2 && writes)
    write(ends[1], "x", 1);
}

static void once(int flags, int us) {
  struct sigaction action = {.sa_handler = tick, .sa_flags = flags};
  struct itimerval timer = {{0, us}, {0, us}};
  ticks = 0;
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &timer, NULL);
}

int main(void) {
  char byte = 0;
  if (pipe(ends) != 0)
    return 1;
  await_go();
  for (int i = 0; i < 3; i++) {
    writes = 1;
    once(SA_RESTART, 3000);
    long result = work(SYS_read, (void *)(long)ends[0], &byte, (void *)1);
    printf("restarted read: %ld %c after 2: %d\n", result, byte, ticks >= 2);
    writes = 0;
    once(0, 3000);
    struct timespec time = {5, 0}, left = {0};
    result = work(SYS_nanosleep, &time, &left, NULL);
    printf("nanosleep: %s, left: %d\n", strerror((int)-result),
           left.tv_sec == 4);
    struct timespec short_time = {0, 30000000};
    once(SA_RESTART, 2000);
    result = work(SYS_nanosleep, &short_time, &left, NULL);
    printf("second nanosleep: %s\n", strerror((int)-result));
    once(0, 3000);
    result = work(SYS_pause, NULL, NULL, NULL);
    printf("pause: %s\n", strerror((int)-result));
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
  }
  return 0;
}
