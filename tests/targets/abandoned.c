// Does what each line of its input says, calling every time what is traced, and
// answers with what came of it: "call", "fork" (a child calls), "thread" (a new
// thread calls), "vfork", "handle" (a handler of SIGTRAP of its own), "open"
// and "close" (the library that the second argument names), "raise" (a SIGTRAP
// of its own), "exec" (the program anew). The first argument is "handle" if it
// has the handler from the start. It ends with the input.
// cc: -pthread -ldl
#define _GNU_SOURCE
#include "target.h"
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define CALLS 1000

static char **arguments;
static void *library;
static long (*from_library)(long);
static volatile int handled;

NOINLINE long trapped(long n) {
  __asm__ volatile("");
  return n + 1;
}

NOINLINE long jumped(long n) {
  __asm__ volatile("" ::: "memory");
  return n * 2 + 1;
}

static void handle(int signal) { handled += signal == SIGTRAP; }

static int call_all(void) {
  int wrong = 0;
  for (long i = 0; i < CALLS; i++) {
    wrong |= trapped(i) != i + 1 || jumped(i) != i * 2 + 1;
    wrong |= from_library != NULL && from_library(i) != i + 1;
  }
  return wrong;
}

static void *in_thread(void *unused) {
  (void)unused;
  return (void *)(long)call_all();
}

static int await(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return status;
}

static int do_line(const char *line) {
  void *result = NULL;
  pid_t pid;
  pthread_t id;
  if (strcmp(line, "fork\n") == 0) {
    if ((pid = fork()) == 0)
      _exit(call_all());
    return await(pid);
  }
  if (strcmp(line, "vfork\n") == 0) {
    if ((pid = vfork()) == 0)
      _exit(call_all());
    return await(pid);
  }
  if (strcmp(line, "thread\n") == 0) {
    pthread_create(&id, NULL, in_thread, NULL);
    pthread_join(id, &result);
    return result != NULL;
  }
  if (strcmp(line, "handle\n") == 0)
    signal(SIGTRAP, handle);
  if (strcmp(line, "raise\n") == 0)
    return raise(SIGTRAP) != 0 || !handled;
  if (strcmp(line, "open\n") == 0) {
    library = dlopen(arguments[2], RTLD_NOW);
    from_library = (long (*)(long))dlsym(library, "plugin_work");
  }
  if (strcmp(line, "close\n") == 0) {
    from_library = NULL;
    return dlclose(library) || dlopen(arguments[2], RTLD_NOW | RTLD_NOLOAD);
  }
  if (strcmp(line, "exec\n") == 0)
    execv(arguments[0], arguments);
  return 0;
}

int main(int argc, char **argv) {
  char line[64];
  arguments = argv;
  if (argc > 1 && strcmp(argv[1], "handle") == 0)
    signal(SIGTRAP, handle);
  setvbuf(stdin, NULL, _IONBF, 0);
  await_go();
  while (fgets(line, sizeof line, stdin) != NULL) {
    int failed = do_line(line);
    line[strcspn(line, "\n")] = 0;
    printf("%s %d %d\n", line, failed, call_all());
    fflush(stdout);
  }
  printf("handled %d\n", handled);
  return 5;
}
