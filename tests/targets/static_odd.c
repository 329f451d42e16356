/*
 * Static probes with something wrong: names that are reserved, hold control
 * characters or are no UTF-8, a semaphore that is outside of the memory or in
 * memory that cannot be written, sites that are no code, and operands that
 * nobody can read. Prints how often it came to each.
 */
#include "static_notes.h"
#include "target.h"

static const unsigned short constant_semaphore = 0;

/* A note without a site of its own: its address is where it is told. */
#define NOTE_AT(address, name)                                                 \
  asm volatile(".pushsection .note.stapsdt, \"\", \"note\"\n"                  \
               ".balign 4\n"                                                   \
               ".long 992f - 991f, 994f - 993f, 3\n"                           \
               "991: .asciz \"stapsdt\"\n"                                     \
               "992: .balign 4\n"                                              \
               "993: .quad " address ", _.stapsdt.base, 0\n"                   \
               ".asciz \"odd\", \"" name "\", \"\"\n"                          \
               "994: .balign 4\n"                                              \
               ".popsection\n")

NOINLINE void work(long n) {
  NOTE("pid", "reserved", "0", "-8@%[n]", [n] "r"(n));
  NOTE("oneshot", "reserved", "0", "-8@%[n]", [n] "r"(n));
  NOTE("odd", "es\\033[1mcape\\nd\\377", "0", "-8@%[n]", [n] "r"(n));
  NOTE("odd", "semaphore__outside", "16", "-8@%[n]", [n] "r"(n));
  NOTE("odd", "semaphore__constant", "%c[semaphore]",
       "-8@%[n]", [n] "r"(n), [semaphore] "i"(&constant_semaphore));
  NOTE("odd", "operands", "0",
       "8@nothing -4@%[n]x 8@%%cr3 16@%[n] 4@gone(%%rip) 8@(%[zero]) -8@%[n]",
       [n] "r"(n), [zero] "r"(8L));
  NOTE_AT("8", "outside");
  NOTE_AT("main", "inside");
}

int main(int argc, char **argv) {
  long times = number(argc, argv, 1, 3);
  await_go();
  for (long i = 0; i < times; i++)
    work(i);
  printf("came %ld times\n", times);
  return 4;
}
