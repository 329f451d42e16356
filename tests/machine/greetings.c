/*
 * Greets names of several lengths, some of them as often as there are
 * threads, prints what came of it, and exits with the number of the names.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 3, CALLS = 200 };

static const char *const names[] = {"", "Ada", "Grace Hopper",
                                    "Barbara Liskov"};

__attribute__((noinline)) long greet(const char *name, long number) {
  __asm__ volatile("" : : "r"(number) : "memory");
  return (long)strlen(name) + number;
}

static void *greet_often(void *number) {
  long sum = 0;
  for (long i = 0; i < CALLS; i++)
    sum += greet(names[i % 4], i - (long)number);
  return (void *)sum;
}

int main(void) {
  pthread_t threads[THREADS];
  long sum = 0;
  for (long i = 0; i < THREADS; i++)
    pthread_create(&threads[i], NULL, greet_often, (void *)i);
  for (int i = 0; i < THREADS; i++) {
    void *part;
    pthread_join(threads[i], &part);
    sum += (long)part;
  }
  printf("%ld\n", sum);
  return sizeof names / sizeof *names;
}
