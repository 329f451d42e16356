// Has a child that has ended and that it does not wait for; prints its pid.
#include "target.h"

int main(void) {
  pid_t pid = fork();
  if (pid == 0)
    _exit(0);
  printf("ready\n%d\n", pid);
  fflush(stdout);
  return getchar() == '\n' ? 0 : 1;
}
