// Two threads and children of a third check the results of what hot.c calls and
// more, interrupted by a timer. For each line of input it prints how it fares,
// when all have come a step further; it ends with the input.
// cc: -pthread
#define main hot
#include "hot.c"
#undef main
#include "static_notes.h"
#include <string.h>
#include <sys/wait.h>

SEMAPHORE(survives_unit_semaphore);
static uint64_t expected[16];
static volatile long units[3], noted;
static volatile int stop, wrong;

// What cannot be displaced, or only with its effects on the stack.
uint64_t flags(uint64_t a, uint64_t b);
__asm__(".globl flags\n.type flags, @function\nflags:\n"
        "  push %rbx\n  mov %rdi, %rbx\n  add %rsi, %rbx\n  pushf\n  popf\n"
        "  adc $1, %rbx\n  lea mix(%rip), %rax\n  mov %rbx, %rdi\n"
        "  call *%rax\n  mov $3, %ecx\n1: inc %rax\n  loop 1b\n  pop %rbx\n"
        "  ret\n.size flags, . - flags\n.p2align 4\n");

// Its first return lies behind the jump that is there for it.
uint64_t wide(uint64_t a);
__asm__(".globl wide\n.type wide, @function\nwide:\n"
        "  sub $0x108, %rsp\n  lea 1(%rdi), %rax\n  test $1, %dil\n  jz 1f\n"
        "  add $0x108, %rsp\n  ret\n1: add $0x108, %rsp\n  ret\n"
        "  mov $1, %eax\n.size wide, . - wide\n.p2align 4\n");

NOINLINE uint64_t unit(uint64_t x) {
  char from[32], to[32];
  for (uint64_t i = 0; i < 10; i++) {
    x = carry(fold(x, i), x << 60);
    x = flags(x, i) + twice(x) + wide(x);
    memset(from, (int)x, sizeof from);
    memcpy(to, from, sizeof to);
    x ^= (uint64_t)to[i];
  }
  if (survives_unit_semaphore > 0)
    noted++;
  NOTE("survives", "unit", "survives_unit_semaphore", "8@%[x]", [x] "r"(x));
  return x;
}

static void *run_units(void *which) {
  for (uint64_t i = 0; !stop; i++, units[(uintptr_t)which]++)
    if (unit(i & 15) != expected[i & 15])
      wrong = 1;
  return NULL;
}

static void *run_children(void *unused) {
  for (; !stop; units[2]++, usleep(2000)) {
    int status = 0;
    if (fork() == 0)
      _exit(unit(3) == expected[3] ? 7 : 8);
    wait(&status);
    if (WEXITSTATUS(status) != 7)
      fprintf(stderr, "child %x\n", status), wrong = 2;
  }
  return unused;
}

int main(void) {
  pthread_t ids[3];
  char line;
  for (uint64_t i = 0; i < 16; i++)
    expected[i] = unit(i);
  signal(SIGALRM, tick);
  for (uintptr_t i = 0; i < 3; i++)
    pthread_create(&ids[i], NULL, i < 2 ? run_units : run_children, (void *)i);
  setitimer(ITIMER_REAL, &(struct itimerval){{0, 1000}, {0, 1000}}, NULL);
  await_go();
  while (read(0, &line, 1) == 1) {
    for (int i = 0; i < 3; i++)
      for (long before = units[i]; units[i] < before + 2;)
        usleep(1000);
    printf("%s, semaphore %d\n", wrong ? "wrong" : "right",
           survives_unit_semaphore);
    fflush(stdout);
  }
  for (int i = stop = 1; i <= 3; i++)
    pthread_join(ids[i - 1], NULL);
  printf("%s %d\n", wrong ? "wrong" : "right", wrong);
  return 5;
}
