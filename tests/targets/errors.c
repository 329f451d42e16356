// Tells told() what errno is as it changes, in two threads.
// cc: -O1 -pthread
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

__attribute__((noinline)) int told(int number) {
  __asm__ volatile("");
  return number;
}

static void *run(void *argument) {
  told(errno);
  errno = 7;
  told(errno);
  return argument;
}

int main(void) {
  pthread_t thread;
  errno = 2;
  told(errno);
  pthread_create(&thread, 0, run, 0);
  pthread_join(thread, 0);
  told(errno);
  errno = 0;
  told(errno);
  puts("five times");
  return 3;
}
