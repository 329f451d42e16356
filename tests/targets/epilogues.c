// Calls functions that are left in ways of which each needs another form of
// jump, as often as the first argument says in as many threads as the second
// says, interrupted by a timer of 1 kHz if there is a third. Prints a checksum
// of the results. With a fourth argument it steps itself through each of them
// once, and says how many steps its handler was told of.
// cc: -pthread
#include "target.h"
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>

#define FUNCTION(name, body)                                                   \
  uint64_t name(uint64_t, uint64_t);                                           \
  __asm__(".p2align 4\n.globl " #name "\n.type " #name ", @function\n" #name   \
          ":\n" body ".size " #name ", . - " #name "\n.p2align 4\n")

static long count;
static volatile long ticks, steps;

// The target of a branch behind each return, and something before it that is
// as long as a jump, longer, or shorter.
FUNCTION(adds, "  sub $8, %rsp\n  lea 3(%rdi), %rax\n  test $1, %dil\n"
               "  jz 1f\n  add $8, %rsp\n  ret\n1: imul %rsi, %rax\n"
               "  add $8, %rsp\n  ret\n  mov $1, %eax\n");
FUNCTION(pops,
         "  push %r12\n  push %r13\n  push %rbx\n  push %rbp\n"
         "  lea (%rdi,%rsi,2), %rax\n  test $2, %dil\n  jz 2f\n  pop %rbp\n"
         "  pop %rbx\n  pop %r13\n  pop %r12\n  ret\n2: not %rax\n  pop %rbp\n"
         "  pop %rbx\n  pop %r13\n  pop %r12\n  ret\n  mov $1, %eax\n");
FUNCTION(clears, "  test $4, %dil\n  jz 3f\n  xor %eax, %eax\n  ret\n"
                 "3: mov $1, %eax\n  ret\n  mov $1, %eax\n");
FUNCTION(bare, "  mov %rsi, %rax\n  test $8, %dil\n  jz 4f\n  nop\n  jmp 5f\n"
               "5: ret\n4: add $1, %rax\n  ret\n  mov $1, %eax\n");

// Flags that live across the instructions before a return, and the red zone.
FUNCTION(carries, "  mov %rsi, -8(%rsp)\n  add %rdi, %rdi\n"
                  "  mov -8(%rsp), %rax\n  adc $0, %rax\n  mov %rax, %rax\n"
                  "  jmp 6f\n6: setc %al\n  ret\n  mov $1, %eax\n");

// Tail calls by branches, and by jumps to registers and memory; a jump within.
FUNCTION(branches, "  test $1, %dil\n  jz clears\n  test $2, %dil\n"
                   "  jnz adds\n  lea 5(%rsi), %rax\n  ret\n");
FUNCTION(tails, "  lea pops(%rip), %rax\n  test $1, %dil\n  jz 7f\n"
                "  jmp *%rax\n7: mov %rax, -16(%rsp)\n  lea -16(%rsp), %rcx\n"
                "  jmp *(%rcx)\n");
FUNCTION(inside, "  lea 8f(%rip), %rcx\n  test $1, %dil\n  jz 9f\n"
                 "  lea bare(%rip), %rcx\n9: jmp *%rcx\n8: mov %rdi, %rax\n"
                 "  ret\n  mov $1, %eax\n");

// Enters the others where jumps are: in front of a return, and at it.
extern char late_pop[], late_return[];
FUNCTION(late, "  push %rbx\n  push %r12\n  lea 7(%rdi), %rax\n"
               "  test $1, %dil\n  jz 1f\n  pop %r12\n.globl late_pop\n"
               "late_pop: pop %rbx\n.globl late_return\nlate_return: ret\n"
               "1: pop %r12\n  pop %rbx\n  ret\n  mov $1, %eax\n");
FUNCTION(jumps_in, "  mov %rsi, %rax\n  lea late_return(%rip), %rcx\n"
                   "  test $1, %dil\n  jz 3f\n  push %rbx\n"
                   "  lea late_pop(%rip), %rcx\n3: jmp *%rcx\n");

// Branches to what is behind a prefix, as programs have them that need no lock
// while they have one thread: in an instruction alone, and before a return.
FUNCTION(skips,
         "  mov %rsi, -16(%rsp)\n  lea -16(%rsp), %r10\n  test $1, %dil\n"
         "  jz 1f\n  lock\n1: incq (%r10)\n  mov (%r10), %rax\n"
         "  test $2, %dil\n  jz 3f\n  test $4, %dil\n  jz 2f\n  lock\n"
         "2: incq (%r10)\n  ret\n3: sub $3, %rax\n  ret\n  mov $1, %eax\n");

// Functions of one instruction, which is their first and their last.
FUNCTION(gives, "  ret\n");
FUNCTION(passes, "  jmp adds\n");
FUNCTION(hands, "  lea 9(%rsi), %rax\n  mov %rdi, %rdx\n  jmp gives\n");

typedef uint64_t (*function)(uint64_t, uint64_t);
static const function functions[] = {adds,     pops,  clears,  bare,   carries,
                                     branches, tails, inside,  passes, hands,
                                     skips,    late,  jumps_in};
#define FUNCTIONS (sizeof functions / sizeof *functions)

static void *run(void *seed) {
  uint64_t x = (uintptr_t)seed;
  for (long i = 0; i < count; i++) {
    // Landings inside of jumps stop the thread: they are rarer.
    size_t used = i % 256 == 0 ? FUNCTIONS : FUNCTIONS - 1;
    for (size_t j = 0; j < used; j++)
      x = x * 31 + functions[j](x >> 7, x);
  }
  return (void *)x;
}

static void tick(int signal) { ticks += signal == SIGALRM; }

static void step(int signal) { steps += signal == SIGTRAP; }

static void step_through(void) {
  for (size_t j = 0; j < FUNCTIONS; j++)
    for (uint64_t i = 0; i < 16; i++) {
      uint64_t a = i, b = i + 1, result;
      __asm__ volatile("pushfq\n orl $0x100, (%%rsp)\n popfq\n call *%3\n"
                       "pushfq\n andl $~0x100, (%%rsp)\n popfq\n"
                       : "=a"(result), "+D"(a), "+S"(b)
                       : "r"(functions[j])
                       : "memory", "cc", "rcx", "rdx");
      printf("%zu %ld %ld\n", j, (long)result, steps);
    }
}

int main(int argc, char **argv) {
  long threads = number(argc, argv, 2, 1);
  pthread_t ids[64];
  uint64_t sum = 0;
  count = number(argc, argv, 1, 1000);
  signal(SIGALRM, tick);
  signal(SIGTRAP, step);
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
  if (number(argc, argv, 4, 0))
    step_through();
  return 5;
}
