// Four threads wait in read(), each called by work(), whose every instruction
// can be probed; prints how many bytes they have got when all are back. With
// an argument a seccomp filter kills it for mapping memory.
// cc: -pthread
#define _GNU_SOURCE
#include "target.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

// A plain system call with three arguments.
long work(long number, long a, void *b, long c);
__asm__(".globl work\n.type work, @function\nwork:\n  endbr64\n"
        "  mov %rdi, %rax\n  mov %rsi, %rdi\n  mov %rdx, %rsi\n"
        "  mov %rcx, %rdx\n  syscall\n  ret\n.size work, . - work\n");

static pthread_barrier_t barrier;
static long total;

static void *run(void *unused) {
  char byte;
  pthread_barrier_wait(&barrier);
  long got = work(SYS_read, 0, &byte, 1);
  __atomic_add_fetch(&total, got, __ATOMIC_RELAXED);
  return unused;
}

static void forbid_mmap(void) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
          &program);
}

int main(int argc, char **argv) {
  pthread_t ids[4];
  (void)argv;
  pthread_barrier_init(&barrier, NULL, 5);
  for (int i = 0; i < 4; i++)
    pthread_create(&ids[i], NULL, run, NULL);
  if (argc > 1)
    forbid_mmap();
  await_go();
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 4; i++)
    pthread_join(ids[i], NULL);
  printf("read %ld\n", total);
  return 0;
}
