// Executes itself as often as the argument says; work() is called once by each
// program. With "thread" another thread than the first executes it.
// cc: -pthread
#include "target.h"
#include <pthread.h>
#include <string.h>

static char **arguments;

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n + 1;
}

static void *go_on(void *unused) {
  execv("/proc/self/exe", arguments);
  return unused;
}

static void *wait_for_ever(void *unused) {
  pause();
  return unused;
}

int main(int argc, char **argv) {
  long left = number(argc, argv, 1, 3);
  pthread_t id;
  arguments = argv;
  if (argc < 4) {
    await_go();
  }
  printf("%ld\n", work(left));
  fflush(stdout);
  if (left == 0)
    return 4;
  char text[24];
  snprintf(text, sizeof text, "%ld", left - 1);
  arguments = (char *[]){argv[0], text, argv[2], "again", NULL};
  if (strcmp(argv[2], "thread") != 0)
    go_on(NULL);
  for (int i = 0; i < 3; i++)
    pthread_create(&id, NULL, wait_for_ever, NULL);
  pthread_create(&id, NULL, go_on, NULL);
  pause();
}
