// Calls small functions, each of which begins in another way, as often as the
// first argument says in as many threads as the second says, interrupted by a
// timer of 1 kHz if there is a third. Prints a checksum of the results.
// cc: -pthread
#include "target.h"
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>

static long count;
static volatile long ticks;

// One long instruction first.
uint64_t mix(uint64_t a, uint64_t b);
__asm__(".p2align 4\n.globl mix\n.type mix, @function\nmix:\n"
        "  movabs $0x9e3779b97f4a7c15, %rax\n  imul %rax, %rdi\n"
        "  xor %rsi, %rdi\n  mov %rdi, %rax\n  shr $29, %rax\n"
        "  xor %rdi, %rax\n  ret\n.size mix, . - mix\n.p2align 4\n");

// What compilers for CET and frame pointers begin with.
uint64_t fold(uint64_t a, uint64_t b);
__asm__(".globl fold\n.type fold, @function\nfold:\n  endbr64\n  push %rbp\n"
        "  mov %rsp, %rbp\n  push %rdi\n  call mix\n  pop %rdi\n"
        "  add %rdi, %rax\n  pop %rbp\n  ret\n.size fold, . - fold\n"
        ".p2align 4\n");

// Five instructions in the place of a jump, and flags that live across it: the
// carry is the caller's.
uint64_t carry(uint64_t a, uint64_t b);
uint64_t carry_in(uint64_t a, uint64_t b);
__asm__(".globl carry_in\n.type carry_in, @function\ncarry_in:\n"
        "  adc %rsi, %rdi\n  push %rbx\n  pop %rbx\n  mov %rdi, %rax\n"
        "  adc $0, %rax\n  ret\n.size carry_in, . - carry_in\n.p2align 4\n"
        ".globl carry\n.type carry, @function\ncarry:\n"
        "  push %rbx\n  push %rbp\n  pop %rbp\n  nop\n  add %rdi, %rsi\n"
        "  mov $0x7f, %al\n  mov %rsi, %rdi\n  call carry_in\n  pop %rbx\n"
        "  ret\n.size carry, . - carry\n.p2align 4\n");

// Its second instruction is called as well, which a jump overwrites.
uint64_t twice(uint64_t a);
extern char twice_inner[];
__asm__(".globl twice\n.type twice, @function\ntwice:\n  nop\n"
        ".globl twice_inner\ntwice_inner:\n  inc %rdi\n"
        "  lea (%rdi,%rdi), %rax\n  ret\n.size twice, . - twice\n.p2align 4\n");

static void *run(void *seed) {
  uint64_t x = (uintptr_t)seed;
  uint64_t (*volatile inner)(uint64_t) = (uint64_t(*)(uint64_t))twice_inner;
  for (long i = 0; i < count; i++) {
    x = carry(fold(x, (uint64_t)i), x << 60);
    if (i % 1000 == 0)
      x += twice(x) ^ inner(x);
  }
  return (void *)x;
}

static void tick(int signal) { ticks += signal == SIGALRM; }

int main(int argc, char **argv) {
  long threads = number(argc, argv, 2, 1);
  pthread_t ids[64];
  uint64_t sum = 0;
  count = number(argc, argv, 1, 1000);
  signal(SIGALRM, tick);
  await_go();
  if (number(argc, argv, 3, 0))
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 1000}, {0, 1000}}, NULL);
  for (long i = 0; i < threads; i++)
    pthread_create(&ids[i], NULL, run, (void *)(uintptr_t)(i + 1));
  for (long i = 0; i < threads; i++) {
    void *x;
    pthread_join(ids[i], &x);
    sum ^= (uintptr_t)x;
  }
  printf("%016lx\n", (unsigned long)sum);
  return 4;
}
