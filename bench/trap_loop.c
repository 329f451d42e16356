/*
 * The floor of a trap hit: a tracer that does nothing but what ptrace asks for.
 * It waits for a stop, reads the registers, writes them, and lets the child go
 * on, as often as the first argument says.
 *
 * The second argument chooses how it waits: "poll" as the library does, "block"
 * in waitpid(2); or "same": it polls, and asks for everything that the library
 * must ask for as well, which is whose stop it is (waitid), why (siginfo), and
 * the word on the stack that emulating a ret needs.
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

static int wait_for(pid_t child, int polls) {
  int status = 0;
  if (!polls)
    waitpid(child, &status, __WALL);
  else
    while (waitpid(child, &status, __WALL | WNOHANG) == 0)
      sched_yield();
  return status;
}

/* What a tracer of many threads that performs instructions asks for besides. */
static void ask_more(pid_t child, unsigned long long sp) {
  siginfo_t info;
  waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | __WALL | WNOHANG | WNOWAIT);
  ptrace(PTRACE_GETSIGINFO, child, 0, &info);
  char word[8];
  struct iovec local = {word, sizeof word}, remote = {(void *)sp, sizeof word};
  process_vm_readv(child, &local, 1, &remote, 1, 0);
}

int main(int argc, char **argv) {
  long count = argc > 1 ? atol(argv[1]) : 1000;
  int polls = argc <= 2 || strcmp(argv[2], "block") != 0;
  int asks_more = argc > 2 && strcmp(argv[2], "same") == 0;
  pid_t child = fork();
  if (child == 0)
    run_child(count);
  wait_for(child, 0);
  char byte = 0;
  if (read(0, &byte, 1) != 1)
    return 1;
  ptrace(PTRACE_CONT, child, 0, 0);
  while (WIFSTOPPED(wait_for(child, polls))) {
    struct user_regs_struct registers;
    struct iovec vector = {&registers, sizeof registers};
    ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &vector);
    if (asks_more)
      ask_more(child, registers.rsp);
    ptrace(PTRACE_SETREGSET, child, NT_PRSTATUS, &vector);
    ptrace(PTRACE_CONT, child, 0, 0);
  }
  return write(1, &byte, 1) == 1 ? 0 : 1;
}
