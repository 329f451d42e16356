// Functions with every kind of symbol, in a position-independent program. It
// prints the addresses of two of them and waits until its input ends.
// The other sym_*.c are this program linked in other ways.
#include <stdio.h>

int go(int n);
int go(int n) { return n + 1; }
int _go(int n) __attribute__((alias("go")));
int go_weakly(int n) __attribute__((weak, alias("go")));

static __attribute__((noinline)) int local_helper(int n) {
  return n * 3 + getchar();
}

__attribute__((weak, noinline)) int weak_function(int n) { return n - 1; }

static int chosen_plain(int n) { return n * 2; }
static int (*choose(void))(int) { return chosen_plain; }
int chosen(int n) __attribute__((ifunc("choose")));

// Assembly functions whose author forgot .size.
int bare(void);
int bare_alias(void);
int last_of_section(void);
__asm__(".pushsection .text.bare, \"ax\", @progbits\n"
        ".globl bare, bare_alias, last_of_section\n"
        ".type bare, @function\n"
        ".type bare_alias, @function\n"
        ".type last_of_section, @function\n"
        "bare: bare_alias:\n"
        "  movl $7, %eax\n"
        "  ret\n"
        "last_of_section:\n"
        "  movl $8, %eax\n"
        "  ret\n"
        ".popsection\n");

int main(void) {
  printf("%p %p\n", (void *)go, (void *)bare);
  fflush(stdout);
  int sum = go(1) + _go(1) + go_weakly(1) + weak_function(1) + chosen(1) +
            bare() + bare_alias() + last_of_section();
  return local_helper(sum) == 0;
}
