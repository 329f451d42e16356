/* Four threads that call the same function for ever. */
#include <pthread.h>

__attribute__((noinline)) long work(long value) {
  __asm__ volatile("");
  return value + 1;
}

static void *run(void *argument) {
  for (long value = 0;;)
    value = work(value);
  return argument;
}

int main(void) {
  pthread_t thread;
  for (int i = 0; i < 3; i++)
    pthread_create(&thread, 0, run, 0);
  run(0);
}
