// Code at the edges of pages and of a mapping at 0x20000000, and code that is
// replaced while it is used. Prints what its functions return.
#include "target.h"
#include <string.h>
#include <sys/mman.h>

typedef long function(long);

// lea 7(%rdi), %rax; imul $3, %rax, %rax; push %rax; pop %rcx; lea (%rcx),
// %rax; ret
static const unsigned char code[] = {0x48, 0x8d, 0x47, 7,    0x48, 0x6b, 0xc0,
                                     3,    0x50, 0x59, 0x48, 0x8d, 1,    0xc3};
// mov $5, %eax; ret
static const unsigned char other[] = {0xb8, 5, 0, 0, 0, 0xc3};

int main(int argc, char **argv) {
  const int all = PROT_READ | PROT_WRITE | PROT_EXEC;
  unsigned char *pages =
      mmap((void *)0x20000000, 4 << 12, all,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  munmap(pages + (3 << 12), 1 << 12);
  // Whole, across a border within each instruction in turn, at the very end.
  unsigned char *places[sizeof code + 2];
  size_t count = 0;
  places[count++] = pages + 128;
  places[count++] = pages + (3 << 12) - sizeof code;
  if (argc > 1)
    places[count++] = pages + (1 << 12) - number(argc, argv, 1, 1);
  for (size_t i = 0; i < count; i++)
    memcpy(places[i], code, sizeof code);
  await_go();
  for (long n = 0; n < 5; n++)
    for (size_t i = 0; i < count; i++)
      printf("%ld ", ((function *)places[i])(n));
  puts("");
  memcpy(places[0], other, sizeof other);
  for (long n = 0; n < 3; n++)
    printf("%ld ", ((function *)places[0])(n));
  // A compiler that makes a new function each time, at the same place.
  for (int i = 0; i < 50; i++) {
    places[0][1] = (unsigned char)i;
    printf("%ld ", ((function *)places[0])(i));
  }
  puts("");
  return 0;
}
