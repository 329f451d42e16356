// Calls a function with lists of all sorts: whose pointers lead to texts, to
// nothing, into memory that is not there or ends there, and which change right
// afterwards. Arguments: how often.
#define _GNU_SOURCE
#include "target.h"
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096

struct node {
  struct node *next;
  const char *name;
  long number;
  char text[32];
};

static long sum;

NOINLINE void visit(const struct node *node, long n) {
  sum += n;
  __asm__ volatile("" ::"r"(node) : "memory");
}

NOINLINE const struct node *find(const struct node *node, long n) {
  sum += n;
  __asm__ volatile("" ::: "memory");
  return node;
}

static void both(const struct node *node, long n) {
  visit(node, n);
  sum += find(node, n) == node;
}

int main(int argc, char **argv) {
  long rounds = number(argc, argv, 1, 10);
  char *pages = mmap((void *)0x123400000000, 3 * PAGE, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  mprotect(pages, PAGE, PROT_READ | PROT_WRITE);
  munmap(pages + 2 * PAGE, PAGE);
  static char name[32];
  static struct node last = {NULL, "last", 3, "last text"};
  static struct node second = {&last, name, 2, "second text"};
  static struct node first = {&second, "first", 1, "first text"};
  await_go();
  for (long i = 0; i < rounds; i++) {
    snprintf(name, sizeof name, "name %ld", i);
    snprintf(first.text, sizeof first.text, "text %ld", i);
    first.number = i;
    both(&first, i);
    both(&second, i);
    memset(name, '!', sizeof name - 1);
    memset(first.text, '!', sizeof first.text - 1);
  }
  // A list that ends, and pointers to what is not there.
  both(&last, 100);
  both(NULL, 101);
  static const uint64_t places[] = {
      8, 4096, 0x12345678, 1ul << 46, 1ul << 47, 1ul << 60, ~0ul, ~0ul - 4096};
  for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
    static struct node bad;
    bad =
        (struct node){(struct node *)places[i], (const char *)places[i], 4, ""};
    both(&bad, 200 + (long)i);
    both((struct node *)places[i], 300 + (long)i);
  }
  // Where memory ends: within pointers, and within what they lead to.
  for (long left = 1; left < 40; left++) {
    char *at = pages + PAGE - left;
    memset(pages, 'x', PAGE);
    struct node *node = (struct node *)at;
    if (left >= 16) {
      const char *text = pages + PAGE - left % 7;
      memcpy(at + 8, &text, sizeof text);
    }
    both(node, 400 + left);
    static struct node leads;
    leads = (struct node){(struct node *)at, at, 5, ""};
    both(&leads, 500 + left);
  }
  printf("sum %ld\n", sum);
  return 0;
}
