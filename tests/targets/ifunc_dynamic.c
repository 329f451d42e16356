// Calls, as often as the argument says, a function of its own that a resolver
// chooses, and functions of libc that resolvers choose, by pointers that the
// compiler cannot see through. Prints the sum of results.
// The other ifunc_*.c are this program linked in other ways.
#include "target.h"
#include <string.h>
#include <time.h>

#define TEXT "a text that nobody else copies or measures"

static NOINLINE long tripled(long n) { return n * 3; }
static long (*choose(void))(long) { return tripled; }
long chosen(long n) __attribute__((ifunc("choose")));

typedef void *copy_function(void *, const void *, size_t);
typedef size_t length_function(const char *);

int main(int argc, char **argv) {
  copy_function *volatile copy = memcpy;
  length_function *volatile length = strlen;
  char text[sizeof TEXT] = "";
  long sum = 0;
  await_go();
  for (long i = 0; i < number(argc, argv, 1, 10); i++) {
    copy(text, TEXT, sizeof TEXT);
    sum += chosen(i) + (long)length(text) + (time(NULL) > 0);
  }
  printf("sum %ld\n", sum);
  return 3;
}
