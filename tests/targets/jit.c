// Makes code and calls it: jit ROUNDS MODE. Its address is printed first; then
// two threads call it ROUNDS times each. Then, by MODE: 0 nothing, 1 the code
// is written anew in its place, 2 its mapping goes and another comes to the
// same place, 3 the number in its first instruction is changed in place, all
// four bytes at once. The threads call it ROUNDS times again. Prints what all
// calls come to.
// cc: -pthread
#define _GNU_SOURCE
#include "target.h"
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define SIZE 4096

/* mov $1, %eax; add %edi, %eax; ret */
static const unsigned char first[] = {0xb8, 1, 0, 0, 0, 0x01, 0xf8, 0xc3};
/* push %rbx; lea 2(%rdi), %ebx; mov %ebx, %eax; pop %rbx; ret */
static const unsigned char second[] = {0x53, 0x8d, 0x5f, 2,
                                       0x89, 0xd8, 0x5b, 0xc3};
static unsigned char *code;
static long rounds;

static void *call(void *unused) {
  long sum = 0;
  for (long i = 0; i < rounds; i++)
    sum += ((int (*)(int))(uintptr_t)code)((int)(i & 1023));
  (void)unused;
  return (void *)sum;
}

static long call_all(void) {
  pthread_t thread;
  void *other;
  pthread_create(&thread, 0, call, 0);
  long sum = (long)call(0);
  pthread_join(thread, &other);
  return sum + (long)other;
}

static void make(const unsigned char *bytes, size_t size) {
  mprotect(code, SIZE, PROT_READ | PROT_WRITE);
  memset(code, 0xcc, SIZE);
  memcpy(code, bytes, size);
  mprotect(code, SIZE, PROT_READ | PROT_EXEC);
}

int main(int argc, char **argv) {
  rounds = number(argc, argv, 1, 10);
  long mode = number(argc, argv, 2, 0);
  /* As run-time compilers do it, with a page in front that guards it. */
  code = mmap(0, 2 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  code += SIZE;
  make(first, sizeof first);
  if (mode == 3)
    mprotect(code, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
  printf("%lx\n", (unsigned long)(uintptr_t)code);
  await_go();
  long sum = call_all();
  if (mode == 2) {
    munmap(code, SIZE);
    code = mmap(code, SIZE, PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  }
  if (mode == 1 || mode == 2)
    make(second, sizeof second);
  if (mode == 3)
    *(volatile uint32_t *)(code + 1) = 5;
  printf("%ld %ld\n", sum, call_all());
  return 3;
}
