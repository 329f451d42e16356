// Uses qsort, printf, strlen, memcpy and malloc of the C library; prints what
// it has sorted.
#include "target.h"
#include <string.h>

static int compare(const void *a, const void *b) {
  return *(const int *)a - *(const int *)b;
}

int main(int argc, char **argv) {
  long count = number(argc, argv, 1, 100);
  await_go();
  int *values = malloc((size_t)count * sizeof *values);
  unsigned seed = 12345;
  for (long i = 0; i < count; i++)
    values[i] = (int)((seed = seed * 1103515245 + 12345) >> 16);
  qsort(values, (size_t)count, sizeof *values, compare);
  for (long i = 0; i < count; i++) {
    char text[32], copy[32];
    snprintf(text, sizeof text, "%d %.3f", values[i], values[i] / 7.0);
    memcpy(copy, text, strlen(text) + 1);
    puts(copy);
  }
  free(values);
  return 0;
}
