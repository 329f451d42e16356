// Calls functions with known arguments; prints what they made of them.
// cc: -D_GNU_SOURCE
#include "target.h"
#include <string.h>
#include <sys/mman.h>

struct pair {
  long a, b;
};

static char scratch[64] = "written by the program";

NOINLINE long ten(long a, long b, long c, long d, long e, long f, long g,
                  long h, long i, long j) {
  return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i +
         10 * j;
}

NOINLINE long text(const char *string, char *room, const char *bad) {
  return (long)strlen(string) + (long)strlen(room) + (bad == NULL);
}

NOINLINE struct pair two(long n) {
  __asm__ volatile("");
  return (struct pair){n + 1, -n};
}

NOINLINE long big(unsigned long n) {
  __asm__ volatile("");
  return (long)n - 1;
}

int main(void) {
  // A page of a file that nobody has touched yet.
  int fd = memfd_create("page", 0);
  if (fd < 0 || pwrite(fd, "fresh", 6, 0) != 6)
    return 1;
  char *fresh = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
  await_go();
  printf("ten %ld\n", ten(1, -2, 3, -4, 5, -6, 7, -8, 9, -10));
  printf("text %ld\n", text("héllo", scratch, (char *)8));
  printf("fresh %ld\n", text(fresh, scratch, NULL));
  printf("scratch %s\n", scratch);
  struct pair pair = two(40);
  printf("two %ld %ld\n", pair.a, pair.b);
  printf("big %lx\n", (unsigned long)big(0x8000000000000001));
  return 0;
}
