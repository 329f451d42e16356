// Calls a function with values of all sizes as often as the first argument
// says in as many threads as the second says, interrupted by a timer of 1 kHz
// if there is a third. Prints what the arguments, and then the results, have
// come to: how many, their sum, the least, the greatest, and how many there
// were of each number of bits, with a minus for negative ones.
// cc: -pthread
#include "target.h"
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>

struct tally {
  uint64_t count, sum;
  int64_t min, max;
  uint64_t positive[64], negative[65];
};

static long count;
static volatile long ticks;
static struct tally arguments[64], results[64];

// The value is the first argument, and the fourth; the result is another one.
int64_t take(int64_t value, long unused, long other, int64_t again);
#ifdef __aarch64__
__asm__(".p2align 4\n.globl take\n.type take, %function\ntake:\n"
        "  neg x0, x3\n  ror x0, x0, #57\n  ret\n.size take, . - take\n");
#else
__asm__(".p2align 4\n.globl take\n.type take, @function\ntake:\n"
        "  push %rbp\n  mov %rsp, %rbp\n  mov %rcx, %rax\n  neg %rax\n"
        "  rol $7, %rax\n  pop %rbp\n  ret\n.size take, . - take\n"
        ".p2align 4\n");
#endif

static int bits(uint64_t magnitude) {
  int n = 0;
  for (; magnitude != 0; magnitude >>= 1)
    n++;
  return n;
}

static void add(struct tally *tally, int64_t value) {
  if (tally->count++ == 0)
    tally->min = tally->max = value;
  tally->sum += (uint64_t)value;
  if (value < tally->min)
    tally->min = value;
  if (value > tally->max)
    tally->max = value;
  if (value < 0)
    tally->negative[bits(-(uint64_t)value)]++;
  else
    tally->positive[bits((uint64_t)value)]++;
}

static void merge(struct tally *into, const struct tally *from) {
  into->count += from->count;
  into->sum += from->sum;
  if (from->min < into->min)
    into->min = from->min;
  if (from->max > into->max)
    into->max = from->max;
  for (int i = 0; i < 65; i++)
    into->negative[i] += from->negative[i];
  for (int i = 0; i < 64; i++)
    into->positive[i] += from->positive[i];
}

static void print(const struct tally *tally) {
  printf("%" PRIu64 " %" PRId64 " %" PRId64 " %" PRId64, tally->count,
         (int64_t)tally->sum, tally->min, tally->max);
  for (int i = 64; i > 0; i--)
    if (tally->negative[i] != 0)
      printf(" -%d:%" PRIu64, i, tally->negative[i]);
  for (int i = 0; i < 64; i++)
    if (tally->positive[i] != 0)
      printf(" %d:%" PRIu64, i, tally->positive[i]);
  printf("\n");
}

static void *run(void *number) {
  uintptr_t thread = (uintptr_t)number;
  uint64_t x = 0x9e3779b97f4a7c15 * (thread + 1);
  for (long i = 0; i < count; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    // Values of every size, and every 16th is at a border.
    int64_t value = (int64_t)(x << 6) >> (x >> 58);
    if (i % 16 == 0)
      value = (int64_t)((uint64_t)1 << (x >> 58)) * (x & 1 ? 1 : -1) +
              (int64_t)(x >> 4) % 2;
    add(&arguments[thread], value);
    add(&results[thread], take(value, i, 0, value));
  }
  return NULL;
}

static void tick(int signal) { ticks += signal == SIGALRM; }

int main(int argc, char **argv) {
  count = number(argc, argv, 1, 1000);
  long threads = number(argc, argv, 2, 1);
  await_go();
  if (number(argc, argv, 3, 0)) {
    struct itimerval timer = {{0, 1000}, {0, 1000}};
    signal(SIGALRM, tick);
    setitimer(ITIMER_REAL, &timer, NULL);
  }
  pthread_t ids[64];
  for (long i = 1; i < threads; i++)
    pthread_create(&ids[i], NULL, run, (void *)i);
  run((void *)0);
  for (long i = 1; i < threads; i++) {
    pthread_join(ids[i], NULL);
    merge(&arguments[0], &arguments[i]);
    merge(&results[0], &results[i]);
  }
  print(&arguments[0]);
  print(&results[0]);
  return 4;
}
