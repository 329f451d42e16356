/*
 * Static probes of sys/sdt.h in code for 32 bits, which needs no C library: it
 * is looked at, and never run.
 */
#include <stdint.h>
#include <sys/sdt.h>

struct record {
  int16_t kind;
  uint8_t flags[3];
  const char *name;
};

extern struct record exported[4];
struct record exported[4];
static int32_t count = 1;
volatile int opaque;

int integers(int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e) {
  STAP_PROBE5(types, integers, a, b, c, d, e);
  STAP_PROBE3(types, constants, -5, 7u, 'x');
  return a + b;
}

int memory(int n, const struct record *record) {
  STAP_PROBE5(types, memory, exported[n].kind, record[n].kind, record->flags[n],
              count, record->name);
  STAP_PROBE2(types, counted, opaque, &exported[1]);
  count += n;
  return count;
}

long many(long a, long b, long c, long d, long e, long f, long g, long h) {
  STAP_PROBE8(types, many, a, b, c, d, e, f, g, h);
  for (int i = 0; i < opaque; i++)
    STAP_PROBE2(types, loops, i, a * i);
  STAP_PROBE1(types, first, a + b);
  STAP_PROBE1(types, second, c - d);
  return a + h;
}
