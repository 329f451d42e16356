// Has children of many kinds call what it calls itself: work(), and take()
// with a string, as often as the second argument says at each of as many levels
// as the third says, while it does the same. The first argument says how they
// are made: fork, clone, clone3 and untraced (raw, without shared memory; the
// last one such that no tracer is told), vfork, shared
// (clone with CLONE_VM), spawn. Each says what came of its calls by its exit
// status. A child that is executed calls nothing.
#define _GNU_SOURCE
#include "target.h"
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char stack[1 << 16] __attribute__((aligned(16)));
static const char *way;
static char *program;
static long calls;

NOINLINE long work(long n) {
  __asm__ volatile("");
  return n + 1;
}

NOINLINE long take(const char *text) {
  __asm__ volatile("");
  return text[0];
}

// 0 if all was right.
static int call_all(long base) {
  char text[16];
  int wrong = 0;
  for (long i = 0; i < calls; i++) {
    sprintf(text, "%ld", base + i % 10);
    wrong |= work(base + i) != base + i + 1;
    wrong |= take(text) != text[0];
  }
  return wrong;
}

static int generation(long depth);

static int in_clone(void *depth) { return generation((long)depth); }

static pid_t make_child(long depth) {
  pid_t pid = -1;
  if (strcmp(way, "fork") == 0)
    pid = fork();
  else if (strcmp(way, "clone") == 0)
    pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  else if (strcmp(way, "untraced") == 0)
    pid = (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_UNTRACED, 0, 0, 0, 0);
  else if (strcmp(way, "clone3") == 0) {
    struct clone_args args = {.exit_signal = SIGCHLD};
    pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
  } else if (strcmp(way, "vfork") == 0)
    pid = vfork();
  else if (strcmp(way, "shared") == 0)
    return clone(in_clone, stack + (depth + 1) * (sizeof stack / 4),
                 CLONE_VM | SIGCHLD, (void *)depth);
  else {
    char *arguments[] = {program, "again", NULL};
    posix_spawn(&pid, program, NULL, NULL, arguments, environ);
    return pid;
  }
  if (pid == 0)
    _exit(generation(depth));
  return pid;
}

// How many processes there are from here on downwards; 100 and more if
// something was wrong.
static int generation(long depth) {
  int status, wrong = 0;
  if (depth == 0)
    return 1 + 100 * call_all(0);
  pid_t pid = make_child(depth - 1);
  if (strcmp(way, "vfork") != 0 && strcmp(way, "shared") != 0)
    wrong = call_all(depth * 10000);
  if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
    return 100;
  if (strcmp(way, "vfork") == 0 || strcmp(way, "shared") == 0)
    wrong = call_all(depth * 10000);
  return 1 + WEXITSTATUS(status) + 100 * wrong;
}

int main(int argc, char **argv) {
  program = argv[0];
  if (argc > 1 && strcmp(argv[1], "again") == 0)
    return 1;
  way = argc > 1 ? argv[1] : "fork";
  calls = number(argc, argv, 2, 10);
  await_go();
  printf("%d processes\n", generation(number(argc, argv, 3, 1)));
  return 6;
}
