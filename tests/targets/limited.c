// Forbids itself something, as the second argument says, then calls work() as
// often as the first says, and prints what it then still can do: how many
// blocks of 1 MiB it can map, and whether it can open a file.
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

// Kills for memfd_create(2), and lets all others pass.
static void forbid_memfd(void) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    exit(3);
}

static void forbid(const char *what) {
  if (strcmp(what, "memfd") == 0)
    forbid_memfd();
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

int main(int argc, char **argv) {
  long sum = 0, blocks = 0;
  if (argc > 2)
    forbid(argv[2]);
  await_go();
  for (long i = 0; i < number(argc, argv, 1, 100); i++)
    sum += work(i);
  while (blocks < BLOCKS_LIMIT &&
         mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
              -1, 0) != MAP_FAILED)
    blocks++;
  printf("sum %ld blocks %ld open %d\n", sum, blocks,
         open("/dev/null", O_RDONLY) >= 0 ? 0 : errno);
  return 5;
}
