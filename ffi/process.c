/*
 * process.c - life of tracees: seize, resume, wait, signal.
 */
#define _GNU_SOURCE
#include "fasttrap.h"
#include "internal.h"

#include <linux/kcmp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int32_t ft_abi(void) { return FT_ABI; }

/* ---- resuming ----------------------------------------------------------- */

/* A ptrace request whose data is a small number. */
static int32_t request(int kind, int32_t tid, uint32_t data) {
  return ft_result(ptrace(kind, tid, NULL, (void *)(uintptr_t)data));
}

int32_t ft_seize(int32_t tid, uint32_t options) {
  return request(PTRACE_SEIZE, tid, options);
}

int32_t ft_interrupt(int32_t tid) { return request(PTRACE_INTERRUPT, tid, 0); }

int32_t ft_continue(int32_t tid, int32_t signal) {
  return request(PTRACE_CONT, tid, (uint32_t)signal);
}

int32_t ft_step(int32_t tid, int32_t signal) {
  return request(PTRACE_SINGLESTEP, tid, (uint32_t)signal);
}

int32_t ft_continue_to_call(int32_t tid) {
  return request(PTRACE_SYSCALL, tid, 0);
}

int32_t ft_listen(int32_t tid) { return request(PTRACE_LISTEN, tid, 0); }

int32_t ft_detach(int32_t tid, int32_t signal) {
  return request(PTRACE_DETACH, tid, (uint32_t)signal);
}

/* ---- waiting ------------------------------------------------------------ */

/*
 * A report of one child or tracee, or of any if tid is 0, left where it is;
 * flags are WNOHANG or 0.
 */
static int32_t see(int32_t tid, int32_t *status, int flags) {
  siginfo_t info;
  info.si_pid = 0;
  if (waitid(tid == 0 ? P_ALL : P_PID, (id_t)tid, &info,
             WEXITED | WSTOPPED | __WALL | WNOWAIT | flags) < 0)
    return -errno;
  if (info.si_pid != 0 && status != NULL) {
    int what = info.si_status;
    *status = info.si_code == CLD_EXITED   ? what << 8
              : info.si_code == CLD_KILLED ? what
              : info.si_code == CLD_DUMPED ? what | 0x80
                                           : (what << 8) | 0x7f;
  }
  return info.si_pid;
}

/* A look that leaves what it finds. */
static int32_t look(int32_t tid, int32_t *status) {
  return see(tid, status, WNOHANG);
}

/* A look that consumes what it finds. */
static int32_t take(int32_t tid, int32_t *status) {
  int taken = 0;
  int32_t result = ft_result(waitpid(tid, &taken, __WALL | WNOHANG));
  if (result > 0 && status != NULL)
    *status = taken;
  return result;
}

int32_t ft_ended(int32_t tid) {
  siginfo_t info;
  info.si_pid = 0;
  if (waitid(P_PID, (id_t)tid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0)
    return -errno;
  /* The stops of tracees are reported whatever is asked for. */
  return info.si_pid != 0 &&
         (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED ||
          info.si_code == CLD_DUMPED);
}

/* Looks in one way for a limited time. */
static int32_t poll_one(int32_t (*once)(int32_t, int32_t *), int32_t tid,
                        double limit_us, int32_t *status) {
  uint64_t limit;
  if (!ft_integer(limit_us, &limit))
    return -EINVAL;
  int32_t found = once(tid, status);
  if (found != 0 || limit == 0)
    return found;
  double end = ft_clock_ns() + limit_us * 1e3;
  do {
    sched_yield();
    found = once(tid, status);
  } while (found == 0 && ft_clock_ns() < end);
  return found;
}

int32_t ft_peek(double limit_us, int32_t *status) {
  return poll_one(look, 0, limit_us, status);
}

int32_t ft_wait(int32_t tid, double limit_us, int32_t *status) {
  return poll_one(take, tid, limit_us, status);
}

int32_t ft_look(int32_t tid, double limit_us, int32_t *status) {
  return poll_one(look, tid, limit_us, status);
}

int32_t ft_wait_pool(void) {
  int32_t found;
  do
    found = see(0, NULL, 0);
  while (found == -EINTR);
  return found;
}

/* The whole life of ft_wake's child: exit of a thread group of one. */
static int end_at_once(void *unused) {
  (void)unused;
  syscall(SYS_exit, 0);
  return 0;
}

int32_t ft_wake(void) {
  /*
   * It borrows our memory until it ends, as vfork's child does: copying the
   * page tables of the runtime would cost a millisecond. Signals are blocked
   * so that no handler runs on its small stack. An exit signal of 0 hides it
   * from waits for ordinary children and sends no SIGCHLD.
   */
  _Alignas(16) char stack[8192];
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int32_t result = ft_result(
      clone(end_at_once, stack + sizeof stack, CLONE_VM | CLONE_VFORK, NULL));
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return result;
}

/* ---- other processes ---------------------------------------------------- */

int32_t ft_get_affinity(uint8_t *mask, uint32_t size) {
  /* The system call tells the size of the kernel's mask; glibc hides it. */
  return ft_result(syscall(SYS_sched_getaffinity, 0, size, mask));
}

int32_t ft_set_affinity(const uint8_t *mask, uint32_t size) {
  return ft_result(syscall(SYS_sched_setaffinity, 0, size, mask));
}

int32_t ft_cpu(void) { return ft_result(sched_getcpu()); }

int32_t ft_kill(int32_t tgid, int32_t tid, int32_t signal) {
  if (tgid == 0)
    return ft_result(kill(tid, signal));
  return ft_result(syscall(SYS_tgkill, tgid, tid, signal));
}

int32_t ft_queue_signal(int32_t tgid, int32_t tid, int32_t signal,
                        const uint8_t *siginfo) {
  return ft_result(syscall(SYS_rt_tgsigqueueinfo, tgid, tid, signal, siginfo));
}

int32_t ft_pidfd_open(int32_t pid) {
  return ft_result(syscall(SYS_pidfd_open, pid, 0));
}

int32_t ft_pidfd_getfd(int32_t pidfd, int32_t fd) {
  return ft_result(syscall(SYS_pidfd_getfd, pidfd, fd, 0));
}

int32_t ft_same_memory(int32_t pid, int32_t other) {
  return ft_result(syscall(SYS_kcmp, pid, other, KCMP_VM, 0UL, 0UL));
}

int32_t ft_self(int32_t ids[7]) {
  if (ids == NULL)
    return -EFAULT;
  ids[0] = (int32_t)getuid();
  ids[1] = (int32_t)geteuid();
  ids[2] = (int32_t)getgid();
  ids[3] = (int32_t)getegid();
  ids[4] = getpid();
  ids[5] = (int32_t)syscall(SYS_gettid);
  ids[6] = (int32_t)sysconf(_SC_PAGESIZE);
  return 0;
}
