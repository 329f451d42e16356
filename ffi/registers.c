/*
 * registers.c - the state of a stopped tracee.
 */
#define _GNU_SOURCE
#include "fasttrap.h"
#include "internal.h"

#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

_Static_assert(sizeof(siginfo_t) == 128, "the header says 128 bytes");

int32_t ft_get_regset(int32_t tid, int32_t note, uint8_t *buffer,
                      uint32_t size) {
  struct iovec part = {.iov_base = buffer, .iov_len = size};
  if (ptrace(PTRACE_GETREGSET, tid, (void *)(intptr_t)note, &part) != 0)
    return -errno;
  return (int32_t)part.iov_len;
}

int32_t ft_set_regset(int32_t tid, int32_t note, const uint8_t *buffer,
                      uint32_t size) {
  struct iovec part = {.iov_base = (void *)(uintptr_t)buffer, .iov_len = size};
  return ft_result(
      ptrace(PTRACE_SETREGSET, tid, (void *)(intptr_t)note, &part));
}

int32_t ft_get_siginfo(int32_t tid, uint8_t *siginfo) {
  return ft_result(ptrace(PTRACE_GETSIGINFO, tid, NULL, siginfo));
}

int32_t ft_set_siginfo(int32_t tid, const uint8_t *siginfo) {
  return ft_result(
      ptrace(PTRACE_SETSIGINFO, tid, NULL, (void *)(uintptr_t)siginfo));
}

/* The size of the kernel's sigset_t; the C library's is larger. */
enum { SIGMASK_BYTES = 8 };

int32_t ft_get_sigmask(int32_t tid, uint8_t *mask) {
  return ft_result(ptrace(PTRACE_GETSIGMASK, tid, SIGMASK_BYTES, mask));
}

int32_t ft_set_sigmask(int32_t tid, const uint8_t *mask) {
  return ft_result(
      ptrace(PTRACE_SETSIGMASK, tid, SIGMASK_BYTES, (void *)(uintptr_t)mask));
}

int32_t ft_event_message(int32_t tid, uint32_t message[2]) {
  uint64_t value;
  if (message == NULL)
    return -EFAULT;
  if (ptrace(PTRACE_GETEVENTMSG, tid, NULL, &value) != 0)
    return -errno;
  message[0] = (uint32_t)value;
  message[1] = (uint32_t)(value >> 32);
  return 0;
}
