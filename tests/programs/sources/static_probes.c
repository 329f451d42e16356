/*
 * Static probes with all kinds of arguments, in functions that compilers keep.
 * Needs no header but sys/sdt.h, so that it can be compiled for machines of
 * which there is no C library.
 */
#include <sys/sdt.h>

typedef signed char i8;
typedef unsigned short u16;
typedef unsigned long long u64;
#define NOINLINE __attribute__((noinline, noclone))

int global = 7;
static int hidden[4] = {1, 2, 3, 4};
__thread int thread_own = 9;
double real = 2.5;
struct {
  int numbers[16];
} record;

NOINLINE int work(i8 c, u16 s, int i, u64 l, double d, float f, const char *p,
                  int n) {
  DTRACE_PROBE1(app, byte, c);
  DTRACE_PROBE2(app, two__words, s, i);
  DTRACE_PROBE4(app, many, l, d, f, p);
  DTRACE_PROBE4(app, constants, 5, -3, 0x123456789abcdef0ull, -1L);
  DTRACE_PROBE4(app, globals, global, hidden[2], thread_own, real);
  DTRACE_PROBE3(app, addresses, &global, &hidden[1], &record.numbers[15]);
  DTRACE_PROBE3(app, index, record.numbers[n], p[n], hidden[n]);
  DTRACE_PROBE2(app, reals, 1.5, 2.5f);
  DTRACE_PROBE(app, none);
  return i + n;
}

NOINLINE int other(int n) {
  DTRACE_PROBE1(app, none, n);
  return n + 1;
}

int main(int argc, char **argv) {
  return work((i8)argc, (u16)(argc * 3), argc * 5, argc * 7ull, argc * 1.5,
              argc * 2.5f, argv[0], argc) +
         other(argc);
}
