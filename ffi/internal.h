/*
 * internal.h - what the files of the library share: how a request ends, and
 * how numbers of JavaScript become those of the kernel.
 */
#ifndef FASTTRAP_INTERNAL_H
#define FASTTRAP_INTERNAL_H

#include <errno.h>
#include <stdint.h>

_Static_assert(sizeof(long) == 8 && sizeof(void *) == 8,
               "the library is written for 64-bit Linux");

/* The result of a system call that sets errno, for those that fit 31 bits. */
static inline int32_t ft_result(long value) {
  return value < 0 ? -errno : (int32_t)value;
}

/*
 * Takes an address, offset or size out of a double. Returns 0 for what is not
 * an integer from 0 to 2^53 - 1, NaN included.
 */
static inline int ft_integer(double value, uint64_t *integer) {
  if (!(value >= 0 && value < 9007199254740992.0))
    return 0;
  *integer = (uint64_t)value;
  return (double)*integer == value;
}

#endif
