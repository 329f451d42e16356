// Makes fork, vfork, execve, clone, rt_sigreturn and the like by the system
// call instruction of work() itself, which checks what that leaves in rcx.
#define _GNU_SOURCE
#include "target.h"
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct {
  long room[512];
  void (*entry)(void);
} stack __attribute__((aligned(16)));
static volatile long handled, ended;

// A child with a stack of its own begins where that says.
long work(long number, ...);
void restore(void);
__asm__(".globl work\n.type work, @function\nwork:\n  endbr64\n"
        "  mov %rdi, %rax\n  mov %rsi, %rdi\n  mov %rdx, %rsi\n"
        "  mov %rcx, %rdx\n  mov %r8, %r10\n  mov (%rsp), %r9\n  syscall\n"
        "1: lea 1b(%rip), %r8\n  cmp %r8, %rcx\n  jne 3f\n  test %rax, %rax\n"
        "  je 2f\n  mov %r9, (%rsp)\n2: ret\n3: ud2\n.size work, . - work\n"
        ".globl restore\n.type restore, @function\nrestore:\n"
        "  mov $15, %eax\n  syscall\n.size restore, . - restore\n");

static void handle(int signal) { handled += signal; }
static void process(void) { work(SYS_exit, 6); }
static void thread(void) {
  ended = work(SYS_getpid) == getpid();
  work(SYS_exit, 0);
}
static void show(const char *name, pid_t pid) {
  int status = 0;
  waitpid(pid, &status, __WALL);
  printf("%s: %d\n", name, WIFEXITED(status) ? WEXITSTATUS(status) : -status);
}

int main(int argc, char **argv) {
  const long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                     CLONE_THREAD | CLONE_SYSVSEM;
  char *arguments[] = {"sh", "-c", "exit 4", NULL};
  // The kernel's struct sigaction; the flag is SA_RESTORER.
  void *action[] = {handle, (void *)0x04000000, restore, NULL};
  await_go();
  for (long i = 0; i < number(argc, argv, 1, 3); i++) {
    work(SYS_rt_sigaction, (long)SIGUSR1, action, NULL, 8L);
    work(SYS_kill, (long)getpid(), (long)SIGUSR1);
    pid_t pid = (pid_t)work(SYS_fork);
    if (pid == 0)
      _exit(work(SYS_getppid) == getppid() ? 5 : 1);
    show("fork", pid);
    if ((pid = (pid_t)work(SYS_vfork)) == 0) {
      work(SYS_execve, "/bin/sh", arguments, environ);
      _exit(1);
    }
    show("vfork and execve", pid);
    stack.entry = process;
    show("clone",
         (pid_t)work(SYS_clone, (long)(CLONE_VM | SIGCHLD), &stack.entry));
    stack.entry = thread, ended = 0;
    work(SYS_clone, flags, &stack.entry);
    while (!ended)
      work(SYS_sched_yield);
    printf("%ld\n", handled);
  }
  return 0;
}
