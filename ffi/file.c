/*
 * file.c - files, directories, the environment and our own mappings.
 */
#define _GNU_SOURCE
#include "fasttrap.h"
#include "internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The kernel's linux_dirent64, which the C library's struct must equal. */
_Static_assert(offsetof(struct dirent, d_reclen) == 16 &&
                   offsetof(struct dirent, d_name) == 19,
               "struct dirent is not what getdents64 fills");

int32_t ft_open(const uint8_t *path, int32_t write) {
  int flags = write == 0 ? O_RDONLY : O_RDWR;
  return ft_result(open((const char *)path, flags | O_CLOEXEC));
}

int32_t ft_close(int32_t fd) { return ft_result(close(fd)); }

int32_t ft_pread(int32_t fd, double offset, uint8_t *buffer, uint32_t size) {
  uint64_t from;
  uint32_t done = 0;
  if (!ft_integer(offset, &from) || size > INT32_MAX)
    return -EINVAL;
  while (done < size) {
    ssize_t part = pread(fd, buffer + done, size - done, (off_t)(from + done));
    if (part < 0 && errno == EINTR)
      continue;
    if (part < 0 && done == 0)
      return -errno;
    if (part <= 0)
      break;
    done += (uint32_t)part;
  }
  return (int32_t)done;
}

int32_t ft_pwrite(int32_t fd, double offset, const uint8_t *buffer,
                  uint32_t size) {
  uint64_t to;
  uint32_t done = 0;
  if (!ft_integer(offset, &to) || size > INT32_MAX)
    return -EINVAL;
  while (done < size) {
    ssize_t part = pwrite(fd, buffer + done, size - done, (off_t)(to + done));
    if (part < 0 && errno == EINTR)
      continue;
    if (part < 0)
      return -errno;
    if (part == 0)
      return -EIO;
    done += (uint32_t)part;
  }
  return (int32_t)done;
}

int32_t ft_read_file(const uint8_t *path, uint8_t *buffer, uint32_t size) {
  uint32_t done = 0;
  if (size > INT32_MAX)
    return -EINVAL;
  int fd = open((const char *)path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  /* Not pread: some files of /proc have no position to read at. */
  while (done < size) {
    ssize_t part = read(fd, buffer + done, size - done);
    if (part < 0 && errno == EINTR)
      continue;
    if (part < 0) {
      int error = errno;
      close(fd);
      return -error;
    }
    if (part == 0)
      break;
    done += (uint32_t)part;
  }
  close(fd);
  return (int32_t)done;
}

int32_t ft_read_link(const uint8_t *path, uint8_t *buffer, uint32_t size) {
  return ft_result(readlink((const char *)path, (char *)buffer, size));
}

/* Appends a string with its NUL. Returns the new end, or -ENOSPC. */
static int32_t append(uint8_t *buffer, uint32_t size, int32_t end,
                      const char *text) {
  size_t length = strlen(text) + 1;
  if (length > size - (uint32_t)end)
    return -ENOSPC;
  memcpy(buffer + end, text, length);
  return end + (int32_t)length;
}

/* Appends the names of one batch of directory entries, as append does. */
static int32_t append_names(uint8_t *buffer, uint32_t size, int32_t end,
                            const uint8_t *batch, long length) {
  for (long at = 0; at < length && end >= 0;) {
    const struct dirent *entry = (const void *)(batch + at);
    const char *name = entry->d_name;
    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
      end = append(buffer, size, end, name);
    at += entry->d_reclen;
  }
  return end;
}

int32_t ft_list_directory(const uint8_t *path, uint8_t *buffer, uint32_t size) {
  /* opendir would allocate. */
  _Alignas(struct dirent) uint8_t batch[8192];
  int32_t end = 0;
  if (size > INT32_MAX)
    return -EINVAL;
  int fd = open((const char *)path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  while (end >= 0) {
    long length = syscall(SYS_getdents64, fd, batch, sizeof batch);
    if (length < 0)
      end = -errno;
    if (length <= 0)
      break;
    end = append_names(buffer, size, end, batch, length);
  }
  close(fd);
  return end;
}

int32_t ft_stat(const uint8_t *path, double values[7]) {
  struct stat found;
  if (values == NULL)
    return -EFAULT;
  if (stat((const char *)path, &found) != 0)
    return -errno;
  values[0] = (double)found.st_mode;
  values[1] = (double)found.st_size;
  values[2] = (double)found.st_dev;
  values[3] = (double)found.st_ino;
  values[4] =
      (double)found.st_mtim.tv_sec * 1e9 + (double)found.st_mtim.tv_nsec;
  values[5] = (double)found.st_uid;
  values[6] = (double)found.st_gid;
  return 0;
}

int32_t ft_executable(const uint8_t *path) {
  return ft_result(faccessat(AT_FDCWD, (const char *)path, X_OK, AT_EACCESS));
}

int32_t ft_environment(uint8_t *buffer, uint32_t size) {
  int32_t end = 0;
  if (size > INT32_MAX)
    return -EINVAL;
  for (char **entry = environ; entry != NULL && *entry != NULL && end >= 0;
       entry++)
    end = append(buffer, size, end, *entry);
  return end;
}

int32_t ft_memfd(const uint8_t *name) {
  return ft_result(memfd_create((const char *)name, MFD_CLOEXEC));
}

double ft_map(int32_t fd, double offset, double size, int32_t write) {
  uint64_t from, length;
  if (!ft_integer(offset, &from) || !ft_integer(size, &length))
    return -EINVAL;
  int protection = PROT_READ | (write == 0 ? 0 : PROT_WRITE);
  void *address = mmap(NULL, length, protection, MAP_SHARED, fd, (off_t)from);
  return address == MAP_FAILED ? -(double)errno : (double)(uintptr_t)address;
}

int32_t ft_unmap(double address, double size) {
  uint64_t from, length;
  if (!ft_integer(address, &from) || !ft_integer(size, &length))
    return -EINVAL;
  return ft_result(munmap((void *)from, length));
}

double ft_clock_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

#if defined(__x86_64__)
static uint64_t read_ticks(void) { return __builtin_ia32_rdtsc(); }
#define HAS_TICKS
#elif defined(__aarch64__)
/* What is before and behind it may not be moved across it (Arm ARM, D12.1). */
static uint64_t read_ticks(void) {
  uint64_t ticks;
  __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb"
                   : "=r"(ticks)
                   :
                   : "memory");
  return ticks;
}
#define HAS_TICKS
#endif

#if defined(HAS_TICKS)
int32_t ft_ticks(uint32_t ticks[2], double *ns) {
  if (ticks == NULL || ns == NULL)
    return -EFAULT;
  uint64_t closest = UINT64_MAX;
  for (int look = 0; look < 8; look++) {
    uint64_t before = read_ticks();
    double now = ft_clock_ns();
    uint64_t apart = read_ticks() - before;
    if (apart >= closest)
      continue;
    closest = apart;
    uint64_t middle = before + apart / 2;
    ticks[0] = (uint32_t)middle;
    ticks[1] = (uint32_t)(middle >> 32);
    *ns = now;
  }
  return 0;
}
#else
int32_t ft_ticks(uint32_t ticks[2], double *ns) {
  (void)ticks;
  (void)ns;
  return -ENOSYS;
}
#endif
