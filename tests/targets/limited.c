// Forbids itself something, as the second argument says, then calls work() as
// often as the first says, and prints what it then still can do: how many
// blocks of 1 MiB it can map, and whether it can open a file. With a third
// argument it has done its calls once before it forbids itself anything.
#define _GNU_SOURCE
#include "filter.h"
#include "target.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif
#define BLOCK (1 << 20)
#define BLOCKS_LIMIT 64

long table[8] = {3, 1, 4, 1, 5, 9, 2, 6};

NOINLINE long work(long n) { return table[n & 7] + (n >> 3); }

NOINLINE long other(long n) {
  __asm__ volatile("");
  return table[n & 3];
}

static void limit(int resource, rlim_t value) {
  if (setrlimit(resource, &(struct rlimit){value, value}) != 0)
    exit(3);
}

static rlim_t mapped_bytes(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%ld", &pages) != 1)
    exit(3);
  fclose(file);
  return (rlim_t)pages * 4096;
}

// Does something to each of two system calls, and lets all others pass.
static void filter_two(unsigned first, unsigned second, unsigned action) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, first, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, second, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, action),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    exit(3);
}

// Refuses to map memory that can be executed, as policies against it do.
static void refuse_code(void) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
               offsetof(struct seccomp_data, args[2])),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    exit(3);
}

static void forbid(const char *what) {
  const unsigned kill = SECCOMP_RET_KILL_PROCESS;
  if (strcmp(what, "memfd") == 0)
    filter_two(SYS_memfd_create, SYS_memfd_create, kill);
  if (strcmp(what, "mmap") == 0)
    filter_two(SYS_mmap, SYS_mmap, kill);
  if (strcmp(what, "both") == 0)
    filter_two(SYS_mmap, SYS_memfd_create, kill);
  if (strcmp(what, "getfd") == 0)
    filter_two(SYS_pidfd_getfd, SYS_pidfd_open, kill);
  if (strcmp(what, "code") == 0)
    refuse_code();
  if (strcmp(what, "locks") == 0)
    limit(RLIMIT_MEMLOCK, 0);
  if (strcmp(what, "exec") == 0 && prctl(PR_SET_MDWE, 1, 0, 0, 0) != 0)
    exit(3);
  if (strcmp(what, "files") == 0)
    limit(RLIMIT_NOFILE, 0);
  if (strcmp(what, "sizes") == 0)
    limit(RLIMIT_FSIZE, 0);
  if (strcmp(what, "memory") == 0)
    limit(RLIMIT_AS, mapped_bytes());
  // 32 blocks, and what tracing by traps may take.
  if (strcmp(what, "space") == 0)
    limit(RLIMIT_AS, mapped_bytes() + 32 * BLOCK + BLOCK / 2);
}

// How many blocks can be mapped, if that may be tried at all.
static long count_blocks(const char *what) {
  long blocks = 0;
  if (strcmp(what, "mmap") == 0 || strcmp(what, "both") == 0)
    return 0;
  while (blocks < BLOCKS_LIMIT &&
         mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
              -1, 0) != MAP_FAILED)
    blocks++;
  return blocks;
}

int main(int argc, char **argv) {
  const char *what = argc > 2 ? argv[2] : "";
  long calls = number(argc, argv, 1, 100), sum = 0;
  int late = argc > 3;
  if (late) {
    await_go();
    for (long i = 0; i < calls; i++)
      sum += work(i);
  }
  forbid(what);
  await_go();
  for (long i = 0; i < calls; i++)
    sum += work(i) + other(i);
  printf("sum %ld blocks %ld open %d\n", sum, count_blocks(what),
         open("/dev/null", O_RDONLY) >= 0 ? 0 : errno);
  return 5;
}
