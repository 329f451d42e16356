// Maps its own file shared and executable beside the private mapping that it
// runs from, so that a trap there would change the file; calls work() in it.
#define _GNU_SOURCE
#include "target.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n + 1;
}

int main(int argc, char **argv) {
  struct stat file;
  int fd = open(argc > 1 ? argv[1] : argv[0], O_RDWR);
  if (fd < 0 || fstat(fd, &file) != 0)
    return 2;
  size_t size = (size_t)file.st_size;
  char *text = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  if (text == MAP_FAILED)
    return 3;
  long (*shared)(long) = (long (*)(long))(void *)(text + 64);
  await_go();
  printf("%ld %ld\n", work(1), shared(41));
  return 0;
}
