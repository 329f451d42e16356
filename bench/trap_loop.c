/*
 * The floor of a trap hit: a tracer that does nothing but what ptrace asks for.
 * It waits for a stop, reads the registers, writes them, and lets the child go
 * on, as often as the first argument says.
 *
 * The second argument chooses how it waits: "poll" as the library does, "block"
 * in waitpid(2); or "same": it makes the requests of the library, which looks
 * whose stop it is without consuming it (waitid), and asks for its reason
 * (siginfo) and for the word on the stack that emulating a ret needs.
 *
 * It starts the child, reads a byte from its standard input, runs the loop and
 * writes a byte to its standard output, so that only the loop is timed.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static void run_child(long count) {
  ptrace(PTRACE_TRACEME, 0, 0, 0);
  raise(SIGSTOP);
  for (long i = 0; i < count; i++)
    __asm__ volatile("int3");
  _exit(0);
}

enum way { BLOCK, POLL, SAME };

/* Waits for the child to stop; returns whether it has not ended. */
static int wait_for(pid_t child, enum way way) {
  int status = 0;
  siginfo_t info = {.si_pid = 0};
  switch (way) {
  case BLOCK:
    waitpid(child, &status, __WALL);
    return WIFSTOPPED(status);
  case POLL:
    while (waitpid(child, &status, __WALL | WNOHANG) == 0)
      sched_yield();
    return WIFSTOPPED(status);
  default:
    while (waitid(P_ALL, 0, &info,
                  WEXITED | WSTOPPED | __WALL | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0)
      sched_yield();
    return info.si_code == CLD_TRAPPED;
  }
}

/* What a tracer that performs instructions asks for besides. */
static void ask_more(pid_t child, unsigned long long sp) {
  siginfo_t info;
  ptrace(PTRACE_GETSIGINFO, child, 0, &info);
  char word[8];
  struct iovec local = {word, sizeof word}, remote = {(void *)sp, sizeof word};
  process_vm_readv(child, &local, 1, &remote, 1, 0);
}

int main(int argc, char **argv) {
  long count = argc > 1 ? atol(argv[1]) : 1000;
  const char *name = argc > 2 ? argv[2] : "poll";
  enum way way = strcmp(name, "block") == 0  ? BLOCK
                 : strcmp(name, "same") == 0 ? SAME
                                             : POLL;
  pid_t child = fork();
  if (child == 0)
    run_child(count);
  wait_for(child, BLOCK);
  char byte = 0;
  if (read(0, &byte, 1) != 1)
    return 1;
  ptrace(PTRACE_CONT, child, 0, 0);
  while (wait_for(child, way)) {
    struct user_regs_struct registers;
    struct iovec vector = {&registers, sizeof registers};
    ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &vector);
    if (way == SAME)
      ask_more(child, registers.rsp);
    ptrace(PTRACE_SETREGSET, child, NT_PRSTATUS, &vector);
    ptrace(PTRACE_CONT, child, 0, 0);
  }
  return write(1, &byte, 1) == 1 ? 0 : 1;
}
