/*
 * A process for cpu.ts to run single instructions in: maps its regions at the
 * addresses given as pairs of hexadecimal arguments, address and size, all of
 * them executable and writable, and traps.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>

int main(int argc, char **argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    void *address = (void *)strtoul(argv[i], NULL, 16);
    size_t size = strtoul(argv[i + 1], NULL, 16);
    if (mmap(address, size, PROT_READ | PROT_WRITE | PROT_EXEC,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
             0) != address)
      return 1;
  }
  __asm__ volatile("int3");
  return 0;
}
