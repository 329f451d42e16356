// Is traced by its parent, which does not know.
#include "target.h"
#include <sys/ptrace.h>

int main(void) {
  ptrace(PTRACE_TRACEME, 0, NULL, NULL);
  await_go();
  return 0;
}
