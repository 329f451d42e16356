/* Calls a function as often as the first argument says; with a second argument
 * the function counts its own calls by hand, as a probe does: a locked add to a
 * counter of the CPU, with the flags and registers kept. "summed" adds the
 * argument to another one as well, "sorted" adds 1 to one of 128 counters, by
 * the number of bits of the argument. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CPUS 256
uint64_t counters[CPUS][8];
uint64_t buckets[CPUS][128];

uint64_t work(uint64_t n);
uint64_t counted(uint64_t n);
uint64_t summed(uint64_t n);
uint64_t sorted(uint64_t n);
__asm__(".p2align 4\n.globl work\n.type work, @function\nwork:\n"
        "  endbr64\n  push %rbp\n  mov %rsp, %rbp\n  lea 1(%rdi), %rax\n"
        "  pop %rbp\n  ret\n.size work, . - work\n.p2align 5\n"
        ".p2align 4\n.globl counted\n.type counted, @function\ncounted:\n"
        "  lea -128(%rsp), %rsp\n  push %rcx\n  push %rax\n  lahf\n"
        "  seto %al\n  rdpid %rcx\n  and $255, %ecx\n  shl $6, %rcx\n"
        "  push %rdx\n  lea counters(%rip), %rdx\n"
        "  lock incq (%rdx,%rcx)\n  pop %rdx\n  add $127, %al\n  sahf\n"
        "  pop %rax\n  pop %rcx\n  lea 128(%rsp), %rsp\n"
        "  endbr64\n  push %rbp\n  mov %rsp, %rbp\n  lea 1(%rdi), %rax\n"
        "  pop %rbp\n  ret\n.size counted, . - counted\n"
        ".p2align 4\n.globl summed\n.type summed, @function\nsummed:\n"
        "  lea -128(%rsp), %rsp\n  push %rcx\n  push %rax\n  lahf\n"
        "  seto %al\n  rdpid %rcx\n  and $255, %ecx\n  shl $6, %rcx\n"
        "  push %rdx\n  lea counters(%rip), %rdx\n"
        "  lock addq %rdi, 8(%rdx,%rcx)\n  lock incq (%rdx,%rcx)\n"
        "  pop %rdx\n  add $127, %al\n  sahf\n"
        "  pop %rax\n  pop %rcx\n  lea 128(%rsp), %rsp\n"
        "  endbr64\n  push %rbp\n  mov %rsp, %rbp\n  lea 1(%rdi), %rax\n"
        "  pop %rbp\n  ret\n.size summed, . - summed\n"
        ".p2align 4\n.globl sorted\n.type sorted, @function\nsorted:\n"
        "  lea -128(%rsp), %rsp\n  push %rcx\n  push %rax\n  lahf\n"
        "  seto %al\n  rdpid %rcx\n  and $255, %ecx\n  shl $10, %rcx\n"
        "  push %rdx\n  lea buckets(%rip), %rdx\n  add %rdx, %rcx\n"
        "  lea 1(%rdi,%rdi), %rdx\n  bsr %rdx, %rdx\n"
        "  lock incq (%rcx,%rdx,8)\n  pop %rdx\n  add $127, %al\n  sahf\n"
        "  pop %rax\n  pop %rcx\n  lea 128(%rsp), %rsp\n"
        "  endbr64\n  push %rbp\n  mov %rsp, %rbp\n  lea 1(%rdi), %rax\n"
        "  pop %rbp\n  ret\n.size sorted, . - sorted\n");

int main(int argc, char **argv) {
  long count = argc > 1 ? atol(argv[1]) : 0;
  uint64_t (*volatile call)(uint64_t) = work;
  if (argc > 2)
    call = strcmp(argv[2], "summed") == 0   ? summed
           : strcmp(argv[2], "sorted") == 0 ? sorted
                                            : counted;
  uint64_t n = 0;
  for (long i = 0; i < count; i++)
    n = call(n);
  return n != (uint64_t)count;
}
