// Everything at once: 8 threads (or as many as the second argument says) that
// call small functions at full speed, others that come and go and call them
// too, signals of a timer of 1 kHz and some that are meant for one thread,
// whose handler calls one of the functions. It ends when a second line has
// come, as many milliseconds as the first argument says have passed, and there
// was a signal for each 20 of them. Each result is compared with what the same
// computation gives without a call. Prints how many rounds and handlers there
// were, and how many results were wrong.
// cc: -pthread
#include "hot.h"
#include "target.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

static long rounds_total, handled, wrong, threads_total;
static volatile int stopped;

static uint64_t expected_mix(uint64_t a, uint64_t b) {
  a = (a * 0x9e3779b97f4a7c15u) ^ b;
  return a ^ (a >> 29);
}

static uint64_t expected(uint64_t x, uint64_t i) {
  uint64_t fold = expected_mix(x, i) + x, sum = fold + (x << 60);
  return sum + sum + (sum < fold) + (sum >> 63);
}

static uint64_t turn(uint64_t x, long count) {
  long differing = 0;
  for (long i = 0; i < count; i++) {
    uint64_t next = carry(fold(x, (uint64_t)i), x << 60);
    differing += next != expected(x, (uint64_t)i);
    x = next;
  }
  __atomic_add_fetch(&rounds_total, count, __ATOMIC_RELAXED);
  __atomic_add_fetch(&wrong, differing, __ATOMIC_RELAXED);
  return x;
}

static void *stay(void *seed) {
  uint64_t x = (uintptr_t)seed;
  while (!stopped)
    x = turn(x, 1000);
  return NULL;
}

static void *come_and_go(void *seed) {
  turn((uintptr_t)seed, 1 + (long)((uintptr_t)seed % 200));
  return NULL;
}

static void handle(int signal) {
  uint64_t a = (uint64_t)signal;
  if (mix(a, 3) != expected_mix(a, 3))
    __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
  __atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
}

static int has_line(void) {
  struct pollfd input = {.fd = 0, .events = POLLIN};
  return poll(&input, 1, 0) > 0;
}

static long elapsed_ms(const struct timespec *from) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - from->tv_sec) * 1000 +
         (now.tv_nsec - from->tv_nsec) / 1000000;
}

int main(int argc, char **argv) {
  long ms = number(argc, argv, 1, 1000), count = number(argc, argv, 2, 8);
  pthread_t ids[64], guests[4];
  struct timespec begin;
  sigset_t timer;
  signal(SIGALRM, handle);
  signal(SIGUSR1, handle);
  await_go();
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (long i = 0; i < count; i++)
    pthread_create(&ids[i], NULL, stay, (void *)(uintptr_t)(i + 1));
  // The timer is for the others.
  sigemptyset(&timer);
  sigaddset(&timer, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &timer, NULL);
  setitimer(ITIMER_REAL, &(struct itimerval){{0, 1000}, {0, 1000}}, NULL);
  while (elapsed_ms(&begin) < ms || !has_line() ||
         __atomic_load_n(&handled, __ATOMIC_RELAXED) < ms / 20) {
    for (int j = 0; j < 4; j++)
      pthread_create(&guests[j], NULL, come_and_go,
                     (void *)(uintptr_t)(++threads_total));
    pthread_kill(ids[threads_total % count], SIGUSR1);
    pthread_kill(guests[1], SIGUSR1);
    for (int j = 0; j < 4; j++)
      pthread_join(guests[j], NULL);
  }
  stopped = 1;
  for (long i = 0; i < count; i++)
    pthread_join(ids[i], NULL);
  // What is still pending is not handled any more.
  setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
  printf("rounds %ld handled %ld wrong %ld\n", rounds_total, handled, wrong);
  return 6;
}
