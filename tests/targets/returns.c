// Functions that are left in every way: prints what they return.
#include "target.h"
#include <setjmp.h>

static jmp_buf back;

// In assembly, so that the sites are known: see the test.
__asm__(".macro function name\n.globl \\name\n.type \\name, "
        "@function\n\\name:\n.endm\n"
        ".macro end name\n.size \\name, . - \\name\n.endm\n"
        "function leaf\n.Lleaf: lea 1(%rdi), %rax\n  ret\nend leaf\n"
        "function tail_jump\n  add $1, %rdi\n  jmp leaf\nend tail_jump\n"
        "function tail_branch\n  test %rdi, %rdi\n  jne leaf\n  mov $99, "
        "%eax\n  ret\nend tail_branch\n"
        "function tail_indirect\n  lea leaf(%rip), %rax\n  jmp *%rax\nend "
        "tail_indirect\n"
        "function table\n  lea 1f(%rip), %rcx\n  jmp *%rcx\n1: mov $5, %eax\n  "
        "ret\nend table\n"
        "function loop\n  mov $7, %ecx\n  xor %eax, %eax\n  jmp 2f\n3: ret\n"
        "2: add $3, %rax\n  dec %ecx\n  jne 2b\n  jmp 3b\nend loop\n"
        "function pops\n  mov $4, %eax\n  ret $16\nend pops\n"
        "function repeats\n  mov $6, %eax\n  rep ret\nend repeats\n"
        "function bounds\n  mov $8, %eax\n  bnd ret\nend bounds\n"
        "function near\n  test %rdi, %rdi\n  js .Lleaf\n  jg 4f\n"
        "  xor %eax, %eax\n  ret\n4: jmp .Lleaf\nend near\n");
long leaf(long), tail_jump(long), tail_branch(long), tail_indirect(long);
long table(void), loop(void), repeats(void), bounds(void), near(long);

NOINLINE long recurse(long n) {
  __asm__ volatile("");
  return n < 2 ? n : recurse(n - 1) + recurse(n - 2);
}

static volatile int leaps = 1;

NOINLINE void jumps(void) {
  if (leaps)
    longjmp(back, 3);
}

NOINLINE long never(long n) {
  jumps();
  return n;
}

int main(void) {
  long popped;
  await_go();
  printf("%ld %ld %ld %ld\n", leaf(1), tail_jump(1), tail_branch(0),
         tail_branch(1));
  printf("%ld %ld %ld %ld\n", tail_indirect(1), table(), loop(), repeats());
  printf("%ld %ld %ld %ld\n", bounds(), near(-1), near(0), near(1));
  __asm__ volatile("sub $144, %%rsp\n call pops\n add $128, %%rsp"
                   : "=a"(popped)
                   :
                   : "memory", "cc");
  printf("%ld %ld\n", popped, recurse(12));
  int jumped = setjmp(back);
  printf("%ld\n", jumped == 0 ? never(1) : jumped);
  return 0;
}
