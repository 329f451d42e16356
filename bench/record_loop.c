/* Calls a function in bursts that fit into a ring of records, with pauses in
 * which the ring is read, and prints how many nanoseconds a call has taken in
 * the fastest, the median and the slowest burst. With the second argument
 * "recorded" the function records its own calls by hand, as a probe does: a
 * 64-byte record with time, thread and six arguments in a ring of the CPU,
 * reserved by one locked add, with the flags and registers kept. With
 * "copied" it copies the string of 32 bytes as well that its second argument
 * points to, 8 bytes at a time, and trusts that it can be read. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BURST 20000
#define CPUS 256
#define CELLS 65536
static struct area {
  uint64_t head;
  uint64_t pad[7];
  unsigned char cells[CELLS][64];
} areas[CPUS];
struct area *first = areas;

uint64_t work(uint64_t n, const char *text);
uint64_t recorded(uint64_t n, const char *text);
uint64_t copied(uint64_t n, const char *text);
/* What both do: reserve as many cells, and write the values. */
#define RECORD(cells)                                                          \
  "  rdpid %rcx\n  and $255, %ecx\n  imul $4194368, %rcx, %rcx\n"              \
  "  add first(%rip), %rcx\n  mov $" cells                                     \
  ", %eax\n  lock xadd %rax, (%rcx)\n"                                         \
  "  and $65535, %eax\n  shl $6, %rax\n  lea 64(%rcx,%rax), %rcx\n"            \
  "  mov %rdi, 16(%rcx)\n  mov %rsi, 24(%rcx)\n"                               \
  "  mov 8(%rsp), %rax\n  mov %rax, 32(%rcx)\n"                                \
  "  mov 24(%rsp), %rax\n  mov %rax, 40(%rcx)\n"                               \
  "  mov %r8, 48(%rcx)\n  mov %r9, 56(%rcx)\n"                                 \
  "  rdfsbase %rax\n  shr $6, %rax\n  mov %eax, 4(%rcx)\n"                     \
  "  rdtsc\n  mov %eax, 8(%rcx)\n  mov %edx, 12(%rcx)\n"
__asm__(
    ".p2align 4\n.globl work\n.type work, @function\nwork:\n"
    "  endbr64\n  push %rbp\n  mov %rsp, %rbp\n  lea 1(%rdi), %rax\n"
    "  pop %rbp\n  ret\n.size work, . - work\n.p2align 5\n"
    ".p2align 4\n.globl recorded\n.type recorded, @function\nrecorded:\n"
    "  lea -128(%rsp), %rsp\n  push %rcx\n  push %rax\n  push %rdx\n"
    "  lahf\n  seto %al\n  push %rax\n" RECORD(
        "1") "  movl $1, (%rcx)\n"
             "  pop %rax\n  add $127, %al\n  sahf\n"
             "  pop %rdx\n  pop %rax\n  pop %rcx\n  lea 128(%rsp), %rsp\n"
             "  endbr64\n  push %rbp\n  mov %rsp, %rbp\n  lea 1(%rdi), %rax\n"
             "  pop %rbp\n  ret\n.size recorded, . - recorded\n"
             ".p2align 4\n.globl copied\n.type copied, @function\ncopied:\n"
             "  lea -128(%rsp), %rsp\n  push %rcx\n  push %rax\n  push %rdx\n"
             "  lahf\n  seto %al\n  push %rax\n" RECORD(
                 "2") "  push %rsi\n  push %r8\n  push %r9\n  push %r10\n  "
                      "push %r11\n"
                      "  movabs $0x0101010101010101, %r10\n"
                      "  movabs $0x8080808080808080, %r11\n  lea 72(%rcx), "
                      "%r8\n"
                      "1: mov (%rsi), %rax\n  mov %rax, (%r8)\n  mov %rax, "
                      "%rdx\n"
                      "  sub %r10, %rdx\n  not %rax\n  and %rax, %rdx\n  and "
                      "%r11, %rdx\n"
                      "  jne 2f\n  add $8, %rsi\n  add $8, %r8\n  jmp 1b\n"
                      "2: bsf %rdx, %rdx\n  shr $3, %edx\n  lea 1(%r8,%rdx), "
                      "%r8\n"
                      "  sub %ecx, %r8d\n  sub $72, %r8d\n  mov %r8d, "
                      "64(%rcx)\n"
                      "  pop %r11\n  pop %r10\n  pop %r9\n  pop %r8\n  pop "
                      "%rsi\n"
                      "  movl $1, (%rcx)\n"
                      "  pop %rax\n  add $127, %al\n  sahf\n"
                      "  pop %rdx\n  pop %rax\n  pop %rcx\n  lea 128(%rsp), "
                      "%rsp\n"
                      "  endbr64\n  push %rbp\n  mov %rsp, %rbp\n  lea "
                      "1(%rdi), %rax\n"
                      "  pop %rbp\n  ret\n.size copied, . - copied\n");

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  long bursts = argc > 1 ? atol(argv[1]) : 50;
  uint64_t (*volatile call)(uint64_t, const char *) = work;
  if (argc > 2)
    call = strcmp(argv[2], "copied") == 0 ? copied : recorded;
  double *ns = calloc((size_t)bursts, sizeof *ns);
  uint64_t n = 0;
  for (long b = 0; b < bursts; b++) {
    usleep(25000);
    double begin = now();
    for (long i = 0; i < BURST; i++)
      n = call(n, "a string of 32 bytes with a NUL");
    ns[b] = (now() - begin) / BURST;
  }
  qsort(ns, (size_t)bursts, sizeof *ns, ascending);
  printf("%.1f %.1f %.1f\n", ns[0], ns[bursts / 2], ns[bursts - 1]);
  return n != (uint64_t)bursts * BURST;
}
