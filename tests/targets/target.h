/*
 * target.h - what the programs that tests trace have in common: each says
 * "ready", waits for a line, does its work, and prints what came of it.
 */
#ifndef TARGET_H
#define TARGET_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

/* Says that everything is set up, and waits until the test has attached. */
static inline void await_go(void) {
  char line;
  fputs("ready\n", stdout);
  fflush(stdout);
  while (read(0, &line, 1) == 1 && line != '\n')
    ;
}

/* An argument as a number, or what it is without one. */
static inline long number(int argc, char **argv, int index, long otherwise) {
  return argc > index ? atol(argv[index]) : otherwise;
}

#endif
