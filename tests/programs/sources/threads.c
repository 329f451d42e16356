/* 32 threads call the same function 500 times each, all at the same time. */
#include <pthread.h>
#include <stdio.h>

__attribute__((noinline)) long work(long value) {
  __asm__ volatile("");
  return value + 1;
}

static pthread_barrier_t barrier;

static void *run(void *argument) {
  long sum = (long)argument;
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 500; i++)
    sum = work(sum);
  return (void *)sum;
}

int main(void) {
  pthread_t threads[32];
  long total = 0;
  pthread_barrier_init(&barrier, 0, 32);
  for (long i = 0; i < 32; i++)
    pthread_create(&threads[i], 0, run, (void *)i);
  for (int i = 0; i < 32; i++) {
    void *result;
    pthread_join(threads[i], &result);
    total += (long)result;
  }
  printf("%ld\n", total);
  return (int)(total % 7);
}
