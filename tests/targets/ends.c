// Calls recorded(), counted() and summed() as often as the first argument says
// in each of as many threads as the second says, and ends at once in the way
// that the third says: the last call is microseconds before. Threads beside
// the one that ends the program call on until then. How many calls each began
// and finished is kept in the file that the fourth argument names, if any.
// cc: -pthread
#define _GNU_SOURCE
#include "target.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define THREADS_LIMIT 64
#define LINE_WORDS 8

// The numbers of each thread have a cache line of their own.
static volatile unsigned long own[THREADS_LIMIT][LINE_WORDS];
static volatile unsigned long (*kept)[LINE_WORDS] = own;
static long calls, threads;
static const char *way;
static char *program;

NOINLINE long recorded(long n) {
  __asm__ volatile("");
  return n + 1;
}

NOINLINE long counted(long n) {
  __asm__ volatile("");
  return n + 2;
}

NOINLINE long summed(long n) {
  __asm__ volatile("");
  return n + 3;
}

static void end(void) {
  if (strcmp(way, "exit_group") == 0)
    syscall(SYS_exit_group, 7);
  if (strcmp(way, "_exit") == 0)
    _exit(8);
  if (strcmp(way, "exit") == 0)
    exit(9);
  if (strcmp(way, "kill") == 0)
    kill(getpid(), SIGKILL);
  if (strcmp(way, "abort") == 0)
    abort();
  if (strcmp(way, "fault") == 0)
    *(volatile char *)8 = 1;
  if (strcmp(way, "exec") == 0)
    execl(program, program, "again", NULL);
  _exit(100);
}

static void call(long n, volatile unsigned long *line) {
  line[0]++;
  recorded(n);
  counted(n);
  summed(n);
  line[1]++;
}

static void *run(void *number) {
  volatile unsigned long *line = kept[(uintptr_t)number];
  for (long i = 0; i < calls; i++)
    call(i, line);
  if ((uintptr_t)number == 0)
    end();
  for (long i = calls; kept != NULL; i++)
    call(i, line);
  return NULL;
}

static void *run_last(void *number) {
  for (long i = 0; i < calls; i++)
    call(i, kept[(uintptr_t)number]);
  // The last thread of the program ends with status 0.
  syscall(SYS_exit, 0);
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t id;
  program = argv[0];
  if (argc > 1 && strcmp(argv[1], "again") == 0) {
    printf("again\n");
    return 11;
  }
  calls = number(argc, argv, 1, 100);
  threads = number(argc, argv, 2, 1);
  way = argc > 3 ? argv[3] : "_exit";
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  if (argc > 4) {
    int file = open(argv[4], O_RDWR);
    kept = mmap(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (kept == MAP_FAILED)
      return 3;
    close(file);
  }
  await_go();
  if (strcmp(way, "leader") == 0) {
    for (long i = 0; i < threads; i++)
      pthread_create(&id, NULL, run_last, (void *)(uintptr_t)i);
    pthread_exit(NULL);
  }
  // Where another thread than the first ends the program, its number is 0 too.
  int by_thread = strcmp(way, "thread exec") == 0;
  way = by_thread ? "exec" : way;
  for (long i = 1; i < threads; i++)
    pthread_create(&id, NULL, run, (void *)(uintptr_t)i);
  if (by_thread) {
    pthread_create(&id, NULL, run, (void *)0);
    pthread_join(id, NULL);
  }
  run((void *)0);
}
