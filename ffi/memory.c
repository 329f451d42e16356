/*
 * memory.c - the memory of a target. fasttrap.h says which way is used when.
 */
#define _GNU_SOURCE
#include "fasttrap.h"
#include "internal.h"

#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

int32_t ft_read_memory(int32_t pid, double address, uint8_t *buffer,
                       uint32_t size) {
  uint64_t from;
  if (!ft_integer(address, &from) || size > INT32_MAX)
    return -EINVAL;
  struct iovec here = {.iov_base = buffer, .iov_len = size};
  struct iovec there = {.iov_base = (void *)from, .iov_len = size};
  return ft_result(process_vm_readv(pid, &here, 1, &there, 1, 0));
}

int32_t ft_write_memory(int32_t pid, double address, const uint8_t *buffer,
                        uint32_t size) {
  uint64_t to;
  if (!ft_integer(address, &to) || size > INT32_MAX)
    return -EINVAL;
  struct iovec here = {.iov_base = (void *)(uintptr_t)buffer, .iov_len = size};
  struct iovec there = {.iov_base = (void *)to, .iov_len = size};
  return ft_result(process_vm_writev(pid, &here, 1, &there, 1, 0));
}

int32_t ft_poke(int32_t tid, double address, const uint8_t *word) {
  uint64_t to, value;
  if (!ft_integer(address, &to))
    return -EINVAL;
  if (word == NULL)
    return -EFAULT;
  memcpy(&value, word, sizeof value);
  return ft_result(ptrace(PTRACE_POKEDATA, tid, (void *)to, (void *)value));
}
