// Small functions, each of which begins in another way.
#include <stdint.h>

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
