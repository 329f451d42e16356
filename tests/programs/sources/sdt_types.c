/*
 * Static probes of sys/sdt.h with arguments of all types and in all places, in
 * C and in C++. Each prints what it passes, one line a hit: the probe's name
 * and its arguments, integers in decimal and floating-point numbers as %.17g.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/sdt.h>

#define ROUNDS 3
#define NOINLINE __attribute__((noinline))
#define S(value) printf(" %" PRId64, (int64_t)(value))
#define U(value) printf(" %" PRIu64, (uint64_t)(value))
#define F(value) printf(" %.17g", (double)(value))

struct record {
  int16_t kind;
  uint8_t flags[3];
  int64_t size;
  const char *name;
};

static volatile int opaque = 1;
static __thread int own = -7;
static int32_t global_count = 100;
int64_t exported_total = -1000000000000;
static struct record records[4] = {{-1, {200, 1, 2}, 10, "zero"},
                                   {-2, {201, 3, 4}, -20, "one"},
                                   {-3, {202, 5, 6}, 30, "two"},
                                   {-4, {203, 7, 8}, -40, "three"}};

NOINLINE static void integers(int n) {
  int8_t a = (int8_t)(-n - 1);
  uint8_t b = (uint8_t)(255 - n);
  int16_t c = (int16_t)(-300 - n);
  uint16_t d = (uint16_t)(65535 - n);
  int32_t e = -70000 - n;
  uint32_t f = 4294967295u - (uint32_t)n;
  int64_t g = -5000000000 - n;
  uint64_t h = UINT64_MAX - (uint64_t)n;
  printf("integers");
  S(a), U(b), S(c), U(d), S(e), U(f), S(g), U(h);
  printf("\n");
  STAP_PROBE8(types, integers, a, b, c, d, e, f, g, h);
}

NOINLINE static void constants(void) {
  printf("constants -5 7 120 -9007199254740993 18446744073709551615 0\n");
  STAP_PROBE6(types, constants, -5, 7u, 'x', -9007199254740993ll,
              18446744073709551615ull, (char *)0);
}

NOINLINE static void memory(int n, const struct record *record) {
  printf("memory %d %d %" PRId64 " %u %d %" PRId64 " %d\n", records[n].kind,
         record->kind, records[n + 1].size, records[n].flags[n % 3],
         global_count, exported_total, own);
  STAP_PROBE7(types, memory, records[n].kind, record->kind, records[n + 1].size,
              records[n].flags[n % 3], global_count, exported_total, own);
  global_count += n;
  exported_total -= n;
  own--;
}

NOINLINE static void strings(int n) {
  char text[16];
  snprintf(text, sizeof text, "text %d", n);
  printf("strings %s %s\n", text, records[n].name);
  STAP_PROBE2(types, strings, (const char *)text, records[n].name);
}

NOINLINE static void reals(int n) {
  double wide = n + 0.1;
  float narrow = (float)n - 2.5f;
  printf("reals");
  S(n), F(wide), F(narrow);
  printf("\n");
  STAP_PROBE3(types, reals, n, wide, narrow);
}

/* The sites of a probe need not have the same arguments. */
NOINLINE static void varied(int n) {
  printf("varied %d 0\n", n);
  STAP_PROBE1(types, varied, n);
  printf("varied %d", -n);
  F(n + 0.25);
  printf("\n");
  STAP_PROBE2(types, varied, (int64_t)-n, n + 0.25);
}

NOINLINE static long twelve(long a, long b, long c, long d, long e, long f,
                            long g, long h) {
  printf("twelve %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld\n", a, b, c, d,
         e, f, g, h, a * b, c + d, e - f, g ^ h);
  STAP_PROBE12(types, twelve, a, b, c, d, e, f, g, h, a * b, c + d, e - f,
               g ^ h);
  return a + h;
}

/* Comes to be in several functions where the compiler likes that. */
static inline void shared(int n) {
  printf("shared %d\n", n);
  DTRACE_PROBE1(types, shared__site, n);
}

NOINLINE static void first(int n) { shared(n); }
NOINLINE static void second(int n) { shared(-n); }

NOINLINE static long loops(int n) {
  long sum = 0;
  for (int i = 0; i < n; i++) {
    sum += i * (long)opaque;
    printf("loops %d %ld\n", i, sum);
    STAP_PROBE2(types, loops, i, sum);
  }
  return sum;
}

int main(void) {
  long sum = 0;
  for (int n = 0; n < ROUNDS; n++) {
    integers(n);
    constants();
    memory(n, &records[ROUNDS - n]);
    strings(n);
    reals(n);
    varied(n);
    sum += twelve(n, -2, 3 * n, 4, -5, 6l << 40, n - 7, 8);
    first(n + 1);
    second(n + 1);
    sum += loops(n + 1);
  }
  printf("sum %ld\n", sum);
  return 0;
}
