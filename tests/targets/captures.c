// Calls functions with pointers of all sorts: to strings that end where memory
// does, into memory that is not there, and to what changes right afterwards.
// Arguments: what to do (see main), and how much.
// cc: -pthread
#define _GNU_SOURCE
#include "target.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096
#define LONGEST 96

static volatile uint64_t calls;

NOINLINE uint64_t take(const char *s, uint64_t n) {
  __asm__ volatile("" ::"r"(s) : "memory");
  return n * 3 + 1;
}

NOINLINE const char *give(const char *s, uint64_t n) {
  calls += n;
  __asm__ volatile("" ::: "memory");
  return s;
}

static uint64_t sum;
static void both(const char *s, uint64_t n) {
  sum += take(s, n) + (give(s, n) == s);
}

/* Two pages with nothing in front of them and behind them. */
static char *arena(void) {
  char *pages =
      mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(pages + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE);
  munmap(pages + 3 * PAGE, PAGE);
  return pages + PAGE;
}

/* All lengths up to the end of a page, and over the border of two. */
static void good(char *pages) {
  for (long length = 0; length <= LONGEST; length++)
    for (long gap = 0; gap < 9; gap++)
      for (long border = 0; border < 2; border++) {
        char *at =
            pages + 2 * PAGE - border * (PAGE - length / 2) - gap - length - 1;
        memset(pages, 0xa5, 2 * PAGE);
        for (long i = 0; i < length; i++)
          at[i] = (char)(1 + (length + 7 * i) % 255);
        at[length] = 0;
        both(at, (uint64_t)length);
      }
}

/* Pointers to what was never there. */
static void bad_places(char *pages) {
  static const uint64_t places[] = {0,
                                    1,
                                    4095,
                                    4096,
                                    65535,
                                    0x12345678,
                                    1ul << 46,
                                    (1ul << 47) - 1,
                                    1ul << 47,
                                    1ul << 55,
                                    1ul << 62,
                                    ~0ul,
                                    ~0ul - 7,
                                    ~4095ul,
                                    1ul << 63,
                                    0xffffffff80000000,
                                    (1ul << 47) - 4096,
                                    (1ul << 47) - 4097,
                                    0x800000000000 - 1,
                                    0x7ff8};
  memset(pages, 'x', 2 * PAGE);
  for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
    both((const char *)places[i], i);
  for (long i = 1; i < 40; i++) {
    both(pages + 2 * PAGE - i, 1);
    both(pages - i, 2);
    both(pages + 2 * PAGE + i - 1, 3);
  }
}

static void bad(char *pages) {
  bad_places(pages);
  mprotect(pages + PAGE, PAGE, PROT_NONE);
  for (long i = 1; i < 40; i++)
    both(pages + PAGE - i, 4);
  mprotect(pages + PAGE, PAGE, PROT_READ);
  both(pages + PAGE - 3, 5);
  mprotect(pages, PAGE, PROT_EXEC | PROT_READ);
  both(pages + PAGE - 3, 6);
  both((const char *)take, 7);
}

/* What is there at the call is gone right behind it. */
static void changed(long rounds) {
  char text[40];
  for (long i = 0; i < rounds; i++) {
    snprintf(text, sizeof text, "number %ld", i);
    both(text, (uint64_t)i);
    memset(text, '!', sizeof text - 1);
  }
}

/* Memory comes and goes under a pointer. */
static void stale(long rounds) {
  for (long i = 0; i < rounds; i++) {
    char *page = mmap((void *)0x123400000000, PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    strcpy(page, "here");
    both(page, 1);
    munmap(page, PAGE);
    both(page, 2);
  }
}

/* A file ends in front of a pointer, and behind it. */
static void cut(long rounds) {
  int fd = memfd_create("cut", 0);
  char *pages = mmap((void *)0x123500000000, 2 * PAGE, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_FIXED, fd, 0);
  for (long i = 0; i < rounds; i++) {
    if (ftruncate(fd, 2 * PAGE) != 0)
      return;
    strcpy(pages + PAGE - 2, "here");
    both(pages + PAGE - 2, 1);
    if (ftruncate(fd, PAGE) != 0)
      return;
    both(pages + PAGE - 2, 2);
    both(pages + PAGE, 3);
  }
  close(fd);
}

struct thread {
  pthread_t id;
  long rounds, wrong;
};

static void *run(void *argument) {
  struct thread *own = argument;
  char text[64];
  for (long i = 0; i < own->rounds; i++) {
    memset(text, 'a' + (int)(i % 26), (size_t)(i % 50));
    text[i % 50] = 0;
    own->wrong += take(text, (uint64_t)i) != (uint64_t)i * 3 + 1;
  }
  return NULL;
}

static int threads(long total, long rounds) {
  struct thread all[64];
  long wrong = 0;
  for (long i = 0; i < total; i++) {
    all[i] = (struct thread){.rounds = rounds};
    pthread_create(&all[i].id, NULL, run, &all[i]);
  }
  for (long i = 0; i < total; i++) {
    pthread_join(all[i].id, NULL);
    wrong += all[i].wrong;
  }
  printf("wrong %ld\n", wrong);
  return wrong == 0 ? 7 : 8;
}

/* Goes on until a line comes, and answers each. */
static int for_ever(void (*act)(char *)) {
  char *pages = arena();
  char line;
  for (struct pollfd input = {.fd = 0, .events = POLLIN};;) {
    uint64_t before = sum = 0;
    for (int i = 0; i < 100; i++)
      act(pages);
    before = sum;
    sum = 0;
    for (int i = 0; i < 100; i++)
      act(pages);
    if (sum != before)
      puts("wrong"), fflush(stdout);
    if (poll(&input, 1, 0) == 0)
      continue;
    if (read(0, &line, 1) <= 0)
      return 7;
    puts("right");
    fflush(stdout);
  }
}

static void some_stale(char *pages) {
  (void)pages;
  stale(3);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "good";
  long much = number(argc, argv, 2, 1);
  if (strcmp(what, "ignores") == 0)
    signal(SIGSEGV, SIG_IGN);
  await_go();
  if (strcmp(what, "good") == 0) {
    good(arena());
  } else if (strcmp(what, "bad") == 0) {
    bad(arena());
  } else if (strcmp(what, "changed") == 0) {
    changed(much);
  } else if (strcmp(what, "cut") == 0) {
    cut(much);
  } else if (strcmp(what, "stale") == 0 || strcmp(what, "ignores") == 0) {
    /* Until the first calls have been seen. */
    stale(1);
    await_go();
    stale(much);
  } else if (strcmp(what, "threads") == 0) {
    return threads(number(argc, argv, 3, 4), much);
  } else {
    return for_ever(strcmp(what, "always_bad") == 0 ? bad_places : some_stale);
  }
  struct sigaction action;
  sigaction(SIGSEGV, NULL, &action);
  printf("sum %lu%s\n", sum,
         action.sa_handler == SIG_IGN ? ", SIGSEGV ignored" : "");
  return 7;
}
