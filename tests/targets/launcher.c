// Starts a program as its own child and tells on standard error what a parent
// learns of it: "pid N", then "exited N", "killed N", "stopped N", "continued".
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  (void)argc;
  signal(SIGPIPE, SIG_IGN);
  pid_t pid = fork();
  if (pid == 0) {
    signal(SIGPIPE, SIG_DFL);
    execv(argv[1], argv + 1);
    _exit(127);
  }
  // Ends of input and output belong to the program alone.
  close(0);
  close(1);
  fprintf(stderr, "pid %d\n", pid);
  for (int status; waitpid(pid, &status, WUNTRACED | WCONTINUED) == pid;) {
    if (WIFSTOPPED(status)) {
      fprintf(stderr, "stopped %d\n", WSTOPSIG(status));
    } else if (WIFCONTINUED(status)) {
      fprintf(stderr, "continued\n");
    } else if (WIFSIGNALED(status)) {
      fprintf(stderr, "killed %d\n", WTERMSIG(status));
    } else {
      fprintf(stderr, "exited %d\n", WEXITSTATUS(status));
    }
  }
  return 0;
}
