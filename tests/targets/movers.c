/* Threads that call a function in turns with pauses, and move from CPU to CPU
 * all the time: as many threads as the first argument says, each with as many
 * calls as the second. Prints the number of calls. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BURST 2000

static long calls;
static int cpus;

__attribute__((noinline)) long inner(long n) {
  __asm__ volatile("nop; nop; nop; nop; nop" ::: "memory");
  return n + 1;
}

__attribute__((noinline)) long work(long n) {
  __asm__ volatile("nop; nop; nop; nop; nop" ::: "memory");
  if (n % 97 == 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((n / 97) % cpus, &set);
    sched_setaffinity(0, sizeof set, &set);
  }
  return inner(n);
}

static void *run(void *start) {
  long n = (long)start;
  for (long i = 0; i < calls; i++) {
    work(n + i);
    if (i % BURST == BURST - 1)
      usleep(2000);
  }
  return 0;
}

int main(int argc, char **argv) {
  long total = argc > 1 ? atol(argv[1]) : 2;
  calls = argc > 2 ? atol(argv[2]) : 1000;
  cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
  pthread_t *threads = calloc((size_t)total, sizeof *threads);
  for (long i = 0; i < total; i++)
    pthread_create(&threads[i], 0, run, (void *)i);
  for (long i = 0; i < total; i++)
    pthread_join(threads[i], 0);
  printf("%ld calls\n", total * calls);
  return 0;
}
