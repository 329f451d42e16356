// Four threads wait in read(), each called by work(), whose every instruction
// can be probed; prints how many bytes they have got when all are back.
// cc: -pthread
#include "target.h"
#include <pthread.h>

// A plain system call with three arguments.
long work(long number, long a, void *b, long c);
__asm__(".globl work\n.type work, @function\nwork:\n  endbr64\n"
        "  mov %rdi, %rax\n  mov %rsi, %rdi\n  mov %rdx, %rsi\n"
        "  mov %rcx, %rdx\n  syscall\n  ret\n.size work, . - work\n");

static long total;

static void *run(void *unused) {
  char byte;
  __atomic_add_fetch(&total, work(0, 0, &byte, 1), __ATOMIC_RELAXED);
  return unused;
}

int main(void) {
  pthread_t ids[4];
  await_go();
  for (int i = 0; i < 4; i++)
    pthread_create(&ids[i], NULL, run, NULL);
  for (int i = 0; i < 4; i++)
    pthread_join(ids[i], NULL);
  printf("read %ld\n", total);
  return 0;
}
