// Remembers where code is that is in no file. A line of input says what to do:
// call take() and give() some times, keep the addresses of all such code,
// forget them, or make room above what was mapped since the start. It answers
// each with the same word, and ends with the input.
#define _GNU_SOURCE
#include "target.h"
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define KEPT_LIMIT 64
#define PAGE 4096
#define HOLES_LIMIT 256

static uintptr_t kept[KEPT_LIMIT];

NOINLINE uint64_t take(const char *s, uint64_t n) {
  __asm__ volatile("" ::"r"(s) : "memory");
  return n * 3 + 1;
}

NOINLINE const char *give(const char *s, uint64_t n) {
  __asm__ volatile("" ::"r"(n) : "memory");
  return s;
}

static long call(const char *s) {
  long wrong = 0;
  for (uint64_t i = 0; i < 1000; i++)
    wrong += take(s, i) != i * 3 + 1 || give(s, i) != s;
  return wrong;
}

static NOINLINE void keep(void) {
  char line[512], permissions[8];
  unsigned long start, inode;
  long count = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
    if (sscanf(line, "%lx-%*x %7s %*x %*s %lu", &start, permissions, &inode) ==
            3 &&
        inode == 0 && strcmp(permissions, "r-xp") == 0 &&
        strchr(line, '[') == NULL && count < KEPT_LIMIT)
      kept[count++] = start + 64;
  fclose(maps);
}

// What is left of keep() is on the stack too.
static NOINLINE void forget(void) {
  volatile char stack[1 << 16];
  memset(kept, 0, sizeof kept);
  memset((char *)stack, 0, sizeof stack);
  __asm__ volatile("" ::"r"(stack) : "memory");
}

// Fills all holes of one page. Returns the page below which there is nothing.
static void *fill(void) {
  void *lowest = NULL;
  for (int i = 0; i < HOLES_LIMIT; i++)
    lowest = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return lowest;
}

int main(void) {
  char line[64];
  long wrong = 0;
  void *lowest = fill();
  await_go();
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (strcmp(line, "call\n") == 0)
      wrong += call(line);
    if (strcmp(line, "keep\n") == 0)
      keep();
    if (strcmp(line, "forget\n") == 0)
      forget();
    if (strcmp(line, "room\n") == 0)
      munmap(lowest, PAGE);
    fputs(line, stdout);
    fflush(stdout);
  }
  return wrong == 0 ? 5 : 6;
}
