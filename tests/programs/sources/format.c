/* Sorts and prints numbers: enough of libc's own code to be worth stepping
 * through. */
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
  return *(const int *)a - *(const int *)b;
}

int main(void) {
  int numbers[100];
  for (int i = 0; i < 100; i++)
    numbers[i] = (i * 7919) % 101;
  qsort(numbers, 100, sizeof(int), compare);
  for (int i = 0; i < 100; i += 10)
    printf("%5d|%-6x|%s\n", numbers[i], (unsigned)numbers[i],
           i % 20 ? "odd" : "even");
  return 0;
}
