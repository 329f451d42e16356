// Threads call work(), which calls inner(), and move from CPU to CPU all the
// time. As many threads as the first argument says make as many calls each as
// the second; then it prints how many there were.
// cc: -pthread
#define _GNU_SOURCE
#include "target.h"
#include <pthread.h>
#include <sched.h>

#define BURST 500
#define STAY 97

static long calls, cpus;

NOINLINE long inner(long n) {
  __asm__ volatile("nop; nop; nop; nop; nop" ::: "memory");
  return n + 1;
}

NOINLINE long work(long n) {
  __asm__ volatile("nop; nop; nop; nop; nop" ::: "memory");
  if (n % STAY == 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned long)(n / STAY % cpus), &set);
    sched_setaffinity(0, sizeof set, &set);
  }
  return inner(n) + 1;
}

static void *run(void *first) {
  long sum = 0;
  for (long i = 0; i < calls; i++) {
    sum += work((long)first + i) - (long)first - i;
    if (i % BURST == BURST - 1)
      usleep(1000);
  }
  return (void *)sum;
}

int main(int argc, char **argv) {
  pthread_t ids[64];
  long count = number(argc, argv, 1, 2), total = 0;
  calls = number(argc, argv, 2, 1000);
  cpus = sysconf(_SC_NPROCESSORS_ONLN);
  for (long i = 0; i < count; i++)
    pthread_create(&ids[i], NULL, run, (void *)i);
  for (long i = 0; i < count; i++) {
    void *sum;
    pthread_join(ids[i], &sum);
    total += (long)sum / 2;
  }
  printf("%ld calls\n", total);
  return 0;
}
