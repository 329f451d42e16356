// Makes two children by fork, each of which does the same to the depth that is
// asked for. Every process calls work() with 0, 1, 2 and so on, before it has
// children, and after. Prints how many processes there were and how often they
// have called, and exits with 1 if one ended otherwise than by itself.
#include "target.h"
#include <sys/mman.h>
#include <sys/wait.h>

static struct { long processes, calls, wrong; } * shared;

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n * 3 + 1;
}

static void add(long *to, long n) {
  __atomic_add_fetch(to, n, __ATOMIC_RELAXED);
}

static void call(long first, long end) {
  for (long n = first; n < end; n++) {
    add(&shared->wrong, work(n) != n * 3 + 1);
    add(&shared->calls, 1);
  }
}

static void generation(long depth, long calls) {
  add(&shared->processes, 1);
  call(0, calls / 2);
  for (int i = 0; depth > 0 && i < 2; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      generation(depth - 1, calls);
      _exit(0);
    }
    add(&shared->wrong, pid < 0);
  }
  call(calls / 2, calls);
  for (int status; wait(&status) > 0;)
    add(&shared->wrong, status != 0);
}

int main(int argc, char **argv) {
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  await_go();
  generation(number(argc, argv, 1, 6), number(argc, argv, 2, 10));
  printf("%ld processes, %ld calls\n", shared->processes, shared->calls);
  return shared->wrong != 0;
}
