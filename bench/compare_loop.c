/* The program that the comparison of tracers traces (bench/compare.ts): it
 * calls one function in bursts, and says itself what a call has taken.
 *
 *   compare_loop FUNCTION [THREADS]
 *
 * It prints its pid. For each line CALLS BURSTS PAUSE_US on its standard input
 * it makes the bursts, each behind a pause and of so many calls in each thread,
 * and prints the nanoseconds a call in the fastest, the median and the slowest,
 * and the calls in all: elapsed time by calls of all threads. It ends with its
 * input.
 *
 * Of the functions some differ in their first instruction, because for tracers
 * in the kernel that decides what a hit costs. Others do by hand what a probe
 * does: counting in a counter of the CPU, a record of 64 bytes in a ring of the
 * CPU, the same with a string of 32 bytes, a power-of-two histogram of the
 * first argument; each with one locked instruction, and with the flags and
 * registers kept. */
// cc: -fno-builtin -pthread
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef COMPARE_LTTNG
#include "compare_provider.h"
#endif

#define CPUS 256
#define CELLS 65536
#define THREADS_MAX 64
#define BURSTS_MAX 1000

uint64_t counters[CPUS][8];
uint64_t buckets[CPUS][64];
static struct area {
  uint64_t head;
  uint64_t pad[7];
  unsigned char cells[CELLS + 1][64];
} areas[CPUS];
struct area *first = areas;

typedef uint64_t function_type(uint64_t value, uint64_t key, const char *text);
function_type pushed, marked, moved, counted, recorded, copied, filled;

#define FUNCTION(name, body)                                                   \
  ".p2align 5\n.globl " name "\n.type " name ", @function\n" name ":\n" body   \
  ".size " name ", . - " name "\n"
#define BODY                                                                   \
  "  push %rbp\n  mov %rsp, %rbp\n  lea 1(%rdi), %rax\n  pop %rbp\n  ret\n"
#define KEEP                                                                   \
  "  lea -128(%rsp), %rsp\n  push %rcx\n  push %rax\n  push %rdx\n"            \
  "  lahf\n  seto %al\n  push %rax\n  rdpid %rcx\n  and $255, %ecx\n"
#define RESTORE                                                                \
  "  pop %rax\n  add $127, %al\n  sahf\n"                                      \
  "  pop %rdx\n  pop %rax\n  pop %rcx\n  lea 128(%rsp), %rsp\n"
/* Reserves cells; rcx is where they begin. A record of two may end behind the
 * ring, where there is one cell more. */
#define RESERVE(cells)                                                         \
  "  imul $4194432, %rcx, %rcx\n  add first(%rip), %rcx\n"                     \
  "  mov $" cells ", %eax\n  lock xadd %rax, (%rcx)\n"                         \
  "  and $65535, %eax\n  shl $6, %rax\n  lea 64(%rcx,%rax), %rcx\n"
#define WRITE                                                                  \
  "  mov %rdi, 16(%rcx)\n  mov %rsi, 24(%rcx)\n"                               \
  "  mov 8(%rsp), %rax\n  mov %rax, 32(%rcx)\n"                                \
  "  mov 24(%rsp), %rax\n  mov %rax, 40(%rcx)\n"                               \
  "  mov %r8, 48(%rcx)\n  mov %r9, 56(%rcx)\n"                                 \
  "  rdfsbase %rax\n  shr $6, %rax\n  mov %eax, 4(%rcx)\n"                     \
  "  rdtsc\n  mov %eax, 8(%rcx)\n  mov %edx, 12(%rcx)\n"
#define COPY_WORD(offset)                                                      \
  "  mov " offset "(%rdx), %rax\n  mov %rax, 64+" offset "(%rcx)\n"

__asm__(FUNCTION("pushed", BODY) FUNCTION("marked", "  endbr64\n" BODY)
            FUNCTION("moved", "  mov $1, %eax\n  add %rdi, %rax\n  ret\n"));
__asm__(FUNCTION("counted", KEEP "  shl $6, %rcx\n  lea counters(%rip), %rdx\n"
                                 "  lock incq (%rdx,%rcx)\n" RESTORE BODY));
__asm__(FUNCTION("filled", KEEP "  shl $9, %rcx\n  lea buckets(%rip), %rdx\n"
                                "  add %rdx, %rcx\n  xor %eax, %eax\n"
                                "  bsr %rdi, %rdx\n  cmovnz %rdx, %rax\n"
                                "  lock incq (%rcx,%rax,8)\n" RESTORE BODY));
__asm__(FUNCTION("recorded",
                 KEEP RESERVE("1") WRITE "  movl $1, (%rcx)\n" RESTORE BODY));
__asm__(FUNCTION("copied",
                 KEEP RESERVE("2") WRITE "  mov 8(%rsp), %rdx\n" COPY_WORD("0")
                     COPY_WORD("8") COPY_WORD("16")
                         COPY_WORD("24") "  movl $1, (%rcx)\n" RESTORE BODY));

/* What tracers that need a compiler's help get. */
__attribute__((noinline)) uint64_t compiled(uint64_t value, uint64_t key,
                                            const char *text) {
  __asm__ volatile("" ::"r"(key), "r"(text));
#ifdef COMPARE_LTTNG
  lttng_ust_tracepoint(compare, work, value, key);
#endif
  return value + 1;
}

/* What tracers of library calls see. */
static uint64_t library(uint64_t value, uint64_t key, const char *text) {
  (void)key;
  (void)text;
  return (uint64_t)labs((long)value) + 1;
}

static const struct {
  const char *name;
  function_type *call;
} functions[] = {
    {"pushed", pushed},   {"marked", marked},     {"moved", moved},
    {"counted", counted}, {"recorded", recorded}, {"copied", copied},
    {"filled", filled},   {"compiled", compiled}, {"library", library},
};

static function_type *volatile call;
static long threads = 1, calls, wrong;
static pthread_barrier_t begin, end;
static const char text[32] = "a string of thirty-one letters.";

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void make_calls(void) {
  uint64_t sum = 0, expected = 0;
  for (long i = 0; i < calls; i++) {
    sum += call(i & 255, i & 63, text);
    expected += (uint64_t)(i & 255) + 1;
  }
  if (sum != expected)
    __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

static void *run_thread(void *unused) {
  for (;;) {
    pthread_barrier_wait(&begin);
    make_calls();
    pthread_barrier_wait(&end);
  }
  return unused;
}

static double make_burst(void) {
  double start = now();
  if (threads > 1) {
    pthread_barrier_wait(&begin);
    pthread_barrier_wait(&end);
  } else {
    make_calls();
  }
  return (now() - start) / ((double)calls * (double)threads);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Where a debugger can stop the program before it ends. */
__attribute__((noinline)) void finished(void) { __asm__ volatile(""); }

int main(int argc, char **argv) {
  for (size_t i = 0; argc > 1 && i < sizeof functions / sizeof *functions; i++)
    if (strcmp(argv[1], functions[i].name) == 0)
      call = functions[i].call;
  if (argc > 2)
    threads = atol(argv[2]);
  if (call == NULL || threads < 1 || threads > THREADS_MAX)
    return 2;
  pthread_barrier_init(&begin, NULL, (unsigned)threads + 1);
  pthread_barrier_init(&end, NULL, (unsigned)threads + 1);
  pthread_t thread;
  for (long i = 0; threads > 1 && i < threads; i++)
    pthread_create(&thread, NULL, run_thread, NULL);
  printf("%d\n", getpid());
  fflush(stdout);
  long bursts, pause_us;
  static double ns[BURSTS_MAX];
  while (scanf("%ld %ld %ld", &calls, &bursts, &pause_us) == 3) {
    if (calls < 1 || bursts < 1 || bursts > BURSTS_MAX)
      return 2;
    for (long i = 0; i < bursts; i++) {
      if (pause_us > 0)
        usleep((useconds_t)pause_us);
      ns[i] = make_burst();
    }
    qsort(ns, (size_t)bursts, sizeof *ns, ascending);
    printf("%.3f %.3f %.3f %ld\n", ns[0], ns[bursts / 2], ns[bursts - 1],
           calls * bursts * threads);
    fflush(stdout);
  }
  finished();
  return wrong != 0;
}
