/* Has 100,000 small functions, work_100000 to work_199999. Says "ready", waits
 * for a line, and calls the first of them in turn, as many as the second
 * argument says, in as many threads as the third says, as often in each as the
 * first says. Prints how many nanoseconds of CPU time a call has taken.
 * cc: -pthread */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define FUNCTION_BYTES 32

extern char functions[];
__asm__(".altmacro\n"
        ".macro function n\n"
        "  .globl work_\\n\n  .type work_\\n, @function\n"
        "  .p2align 5\nwork_\\n:\n  endbr64\n  push %rbp\n  mov %rsp, %rbp\n"
        "  lea 1(%rdi), %rax\n  pop %rbp\n  ret\n"
        "  .size work_\\n, . - work_\\n\n"
        ".endm\n"
        ".text\n.p2align 5\n.globl functions\nfunctions:\n"
        ".set n, 100000\n.rept 100000\n  function %n\n  .set n, n + 1\n.endr\n"
        ".noaltmacro\n");

static long calls, functions_total;
static double ns_total;

static double cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *run(void *mutex) {
  uint64_t n = 0;
  double begin = cpu_ns(), ns;
  for (long i = 0, at = 0; i < calls; i++) {
    uint64_t (*call)(uint64_t) =
        (uint64_t(*)(uint64_t))(functions + at * FUNCTION_BYTES);
    n = call(n);
    if (++at == functions_total)
      at = 0;
  }
  ns = cpu_ns() - begin;
  pthread_mutex_lock(mutex);
  ns_total += ns;
  pthread_mutex_unlock(mutex);
  return (void *)(uintptr_t)(n == (uint64_t)calls);
}

int main(int argc, char **argv) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  long threads = argc > 3 ? atol(argv[3]) : 1;
  pthread_t ids[64];
  char line;
  calls = argc > 1 ? atol(argv[1]) : 0;
  functions_total = argc > 2 ? atol(argv[2]) : 1;
  puts("ready");
  fflush(stdout);
  if (read(0, &line, 1) != 1)
    return 1;
  for (long i = 0; i < threads; i++)
    pthread_create(&ids[i], NULL, run, &mutex);
  for (long i = 0; i < threads; i++) {
    void *right;
    pthread_join(ids[i], &right);
    if (right == NULL)
      return 2;
  }
  printf("%.2f\n", ns_total / (double)(calls * threads));
  return 0;
}
