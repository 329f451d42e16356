/*
 * spawn.c - the start of a program under the tracer's control.
 *
 * The child must be seized before it executes the program, and nothing that
 * may happen to it until then may block the tracer. So it first waits on a
 * channel; the tracer seizes it, sends a byte, and follows its stops up to the
 * one in execve. A request of the child that fails comes back as its errno on
 * the channel, which execve closes.
 */
#define _GNU_SOURCE
#include "fasttrap.h"
#include "internal.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* What the child needs; all of it is made before the fork. */
struct program {
  const char *path;
  char **argv;
  char **envp;
  const char *cwd;
  int files[3];
  int channel;
};

/* Fills a vector with the strings of a block, and ends it with NULL. */
static char **fill_vector(char **vector, const uint8_t *block, uint32_t count) {
  char *text = (char *)(uintptr_t)block;
  for (uint32_t i = 0; i < count; i++) {
    vector[i] = text;
    text += strlen(text) + 1;
  }
  vector[count] = NULL;
  return vector + count + 1;
}

/*
 * Moves the three files to 0, 1 and 2. All are first copied out of the way,
 * since one may sit where another belongs. Returns 0, or -1 with errno.
 */
static int place_files(const int files[3]) {
  int copies[3];
  for (int i = 0; i < 3; i++)
    if ((copies[i] = fcntl(files[i], F_DUPFD_CLOEXEC, 3)) < 0)
      return -1;
  for (int i = 0; i < 3; i++)
    if (dup2(copies[i], i) < 0)
      return -1;
  return 0;
}

/* Lets every descriptor from 3 on end with execve. */
static void close_others(void) {
  /* Linux 5.11; a sandbox of its time may refuse it too. */
  if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
    return;
  long limit = sysconf(_SC_OPEN_MAX);
  for (int fd = 3; fd < limit; fd++)
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/*
 * The child. The runtime has other threads, so nothing here may take a lock:
 * only calls that are safe in a signal handler. All signals stay blocked; a
 * handler of the runtime would write to descriptors that are the parent's.
 */
static _Noreturn void run_child(const struct program *program) {
  char go;
  int channel = fcntl(program->channel, F_DUPFD_CLOEXEC, 3);
  /* The parent writes when it has seized us; it is gone if there is nothing. */
  if (channel >= 0 && read(channel, &go, 1) == 1 &&
      (program->cwd[0] == '\0' || chdir(program->cwd) == 0) &&
      place_files(program->files) == 0) {
    signal(SIGPIPE, SIG_DFL);
    close_others();
    execve(program->path, program->argv, program->envp);
  }
  int error = errno;
  if (channel >= 0)
    send(channel, &error, sizeof error, MSG_NOSIGNAL);
  _exit(127);
}

/* Consumes what a child reports, whatever signals arrive meanwhile. */
static void reap(pid_t pid) {
  while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
    ;
}

/*
 * Waits until the child stops in execve, without consuming that stop, or is
 * gone. All its signals are blocked, so that another stop is one for SIGSTOP
 * (set aside, and sent again at the end), for the event of its exit, or for a
 * fault that the kernel forces on it when execve fails too late.
 *
 * Returns 0, or -errno when it is gone and reaped.
 */
static int await_exec(pid_t pid, int channel) {
  int held = 0;
  for (;;) {
    siginfo_t info;
    if (waitid(P_PID, (id_t)pid, &info,
               WEXITED | WSTOPPED | WNOWAIT | __WALL) != 0) {
      if (errno == EINTR)
        continue;
      return -errno;
    }
    if (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED ||
        info.si_code == CLD_DUMPED) {
      int error;
      ssize_t got = recv(channel, &error, sizeof error, MSG_DONTWAIT);
      reap(pid);
      return got == (ssize_t)sizeof error ? -error : -ENOEXEC;
    }
    if (info.si_status == (SIGTRAP | PTRACE_EVENT_EXEC << 8))
      break;
    reap(pid);
    int forced = info.si_status < NSIG && info.si_status != SIGSTOP;
    held |= info.si_status == SIGSTOP;
    ptrace(PTRACE_CONT, pid, NULL, (uintptr_t)(forced ? info.si_status : 0));
  }
  if (held)
    kill(pid, SIGSTOP);
  return 0;
}

/*
 * Seizes the child that waits on the channel and lets it run into execve.
 * Returns 0, or -errno when it is gone and reaped.
 */
static int launch(pid_t pid, int channel, uint32_t options) {
  if (ptrace(PTRACE_SEIZE, pid, NULL,
             (void *)(uintptr_t)(options | PTRACE_O_TRACEEXEC)) != 0) {
    int error = errno;
    kill(pid, SIGKILL);
    reap(pid);
    return -error;
  }
  send(channel, "", 1, MSG_NOSIGNAL);
  int result = await_exec(pid, channel);
  if (result != 0)
    return result;
  /*
   * The mask outlives execve, so it is emptied here and not by the child:
   * there a signal could have stopped it before the program.
   */
  uint64_t none = 0;
  ptrace(PTRACE_SETSIGMASK, pid, (void *)sizeof none, &none);
  return 0;
}

int32_t ft_spawn(const uint8_t *path, const uint8_t *argv, uint32_t argc,
                 const uint8_t *envp, uint32_t envc, const uint8_t *cwd,
                 int32_t in, int32_t out, int32_t err, uint32_t options) {
  int channel[2];
  size_t size = ((size_t)argc + envc + 2) * sizeof(char *);
  char **vectors = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (vectors == MAP_FAILED)
    return -errno;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) != 0) {
    int error = errno;
    munmap(vectors, size);
    return -error;
  }
  struct program program = {.path = (const char *)path,
                            .argv = vectors,
                            .envp = fill_vector(vectors, argv, argc),
                            .cwd = (const char *)cwd,
                            .files = {in, out, err},
                            .channel = channel[1]};
  fill_vector(program.envp, envp, envc);

  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = fork();
  if (pid == 0) {
    close(channel[0]);
    run_child(&program);
  }
  int result = pid < 0 ? -errno : 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);

  close(channel[1]);
  if (result == 0)
    result = launch(pid, channel[0], options);
  close(channel[0]);
  munmap(vectors, size);
  return result < 0 ? result : pid;
}
