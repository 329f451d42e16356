// Threads spend nearly all their time in one string instruction of fill() and
// check what it has written, until the input ends; other() has instructions
// that need slots as well. Prints "right" if all was.
// cc: -pthread
#include "target.h"
#include <pthread.h>
#include <string.h>

enum { SIZE = 1 << 20 };

static volatile int stop;
static long wrong;

long other(long a, long b);
void fill(char *to, long value, long size);
__asm__(".globl fill\n.type fill, @function\nfill:\n  mov %rdx, %rcx\n"
        "  mov %esi, %eax\n  rep stosb\n  ret\n.size fill, . - fill\n"
        ".globl other\n.type other, @function\nother:\n"
        "  imul $3, %rdi, %rax\n  bswap %rsi\n  not %rsi\n  not %rsi\n"
        "  bswap %rsi\n  imul $5, %rsi, %rsi\n  lea (%rax,%rsi), %rax\n"
        "  ret\n.size other, . - other\n");

static void *run(void *argument) {
  char *buffer = malloc(SIZE);
  for (long i = (long)argument; !stop; i++) {
    char value = (char)i;
    fill(buffer, value, SIZE);
    int same = buffer[0] == value && !memcmp(buffer, buffer + 1, SIZE - 1);
    if (!same || other(i, i + 1) != 3 * i + 5 * (i + 1))
      __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
  }
  free(buffer);
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t ids[64];
  long count = number(argc, argv, 1, 1);
  for (long i = 0; i < count; i++)
    pthread_create(&ids[i], NULL, run, (void *)(i * 7));
  await_go();
  stop = 1;
  for (long i = 0; i < count; i++)
    pthread_join(ids[i], NULL);
  puts(wrong ? "wrong" : "right");
  return 0;
}
