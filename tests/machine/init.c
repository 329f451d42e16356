/*
 * The first program of the machine: mounts what programs expect, runs the
 * command whose words are the lines of a file, says how that has ended, and
 * turns the machine off.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS = 64, BYTES = 65536 };

static void run(void) {
  static char text[BYTES];
  char *words[WORDS] = {NULL};
  FILE *file = fopen("/command", "r");
  size_t size = file == NULL ? 0 : fread(text, 1, BYTES - 1, file);
  int count = 0;
  for (char *at = text; at < text + size && count < WORDS - 1; count++) {
    words[count] = at;
    at += strcspn(at, "\n");
    *at++ = 0;
  }
  execv(words[0], words);
  _exit(127);
}

int main(void) {
  int status = -1;
  pid_t child;
  mkdir("/proc", 0755);
  mkdir("/sys", 0755);
  mkdir("/dev", 0755);
  mkdir("/tmp", 0755);
  mount("proc", "/proc", "proc", 0, NULL);
  mount("sys", "/sys", "sysfs", 0, NULL);
  mount("dev", "/dev", "devtmpfs", 0, NULL);
  mount("tmp", "/tmp", "tmpfs", 0, NULL);
  setenv("PATH", "/bin", 1);
  setenv("HOME", "/tmp", 1);
  setenv("NO_COLOR", "1", 1);
  setenv("DENO_DIR", "/deno", 1);
  setenv("DENO_NO_UPDATE_CHECK", "1", 1);
  child = fork();
  if (child == 0)
    run();
  waitpid(child, &status, 0);
  printf("\nENDED %d\n", status);
  fflush(stdout);
  sync();
  reboot(RB_POWER_OFF);
  return 1;
}
