// A library with functions that resolvers choose: chosen(), which work() calls
// as often as its argument says, and preempted(), of which the program that
// loads the library has its own. Stripped, so that the chosen function and the
// one behind it have no symbols.
// cc: -shared -fPIC -s
static long tripled(long n) { return n * 3; }
static __attribute__((noinline, noclone)) long neighbour(long n) { return n; }

static long (*choose(void))(long) { return tripled; }
long chosen(long n) __attribute__((ifunc("choose")));

static long (*choose_too(void))(long) { return tripled; }
long preempted(long n) __attribute__((ifunc("choose_too")));

long work(long n);
long work(long n) {
  long sum = 0;
  for (long i = 0; i < n; i++)
    sum += chosen(i) + preempted(i) + neighbour(0);
  return sum;
}
