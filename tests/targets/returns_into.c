// Calls a function through a register, so that what follows the call is within
// five bytes of its beginning: first once, from a call that is under way when
// the tracer comes, until another line of input; then ROUNDS times. Another
// thread meanwhile runs a loop of five bytes, which is left with the same line.
// Prints what comes of it.
// cc: -pthread
#include "target.h"
#include <pthread.h>

/* Both callees return with their argument plus 1. */
long calls_back(long (*callee)(long), long argument);
long spins(volatile long *stop);
__asm__(".p2align 4\n.globl calls_back\n.type calls_back, @function\n"
        "calls_back:\n  push %rbx\n  mov %rdi, %rax\n  mov %rsi, %rdi\n"
        "  call *%rax\n  inc %rax\n  inc %rax\n  pop %rbx\n  ret\n"
        ".size calls_back, . - calls_back\n"
        ".p2align 4\n.globl spins\n.type spins, @function\n"
        "spins:\n  mov (%rdi), %rax\n  test %eax, %eax\n  jz spins\n  ret\n"
        ".size spins, . - spins\n");

static volatile long stop;

static long waits(long n) {
  await_go();
  await_go();
  stop = n;
  return n + 1;
}

static long adds(long n) { return n + 1; }

static void *spin(void *unused) {
  (void)unused;
  return (void *)spins(&stop);
}

int main(int argc, char **argv) {
  pthread_t thread;
  void *spun;
  pthread_create(&thread, 0, spin, 0);
  long sum = calls_back(waits, 7);
  pthread_join(thread, &spun);
  for (long i = 0; i < number(argc, argv, 1, 10); i++)
    sum += calls_back(adds, i);
  printf("%ld %ld\n", sum, (long)spun);
  return 8;
}
