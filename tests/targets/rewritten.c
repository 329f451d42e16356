// Replaces the code of work() by other code, and calls it before and after
// each line of input: prints what it returns, or that it has rewritten it.
#include "target.h"
#include <string.h>
#include <sys/mman.h>

int work(void);
__asm__(".balign 4096\n.type work, @function\nwork:\n"
        "  lea 1(%rip), %rax\n  mov $1, %eax\n  ret\n.size work, . - work\n"
        ".balign 4096\n");

int main(void) {
  static const unsigned char code[] = {0xb8, 2, 0, 0, 0, 0xc3};
  char line;
  await_go();
  mprotect(work, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
  memcpy(work, code, sizeof code);
  puts("rewritten");
  fflush(stdout);
  while (read(0, &line, 1) == 1) {
    printf("%d\n", work());
    fflush(stdout);
  }
  return 0;
}
