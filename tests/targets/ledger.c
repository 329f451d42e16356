/*
 * A bank of two accounts whose every call is known beforehand, for the D
 * programs in tests/d/examples/. It prints nothing, and exits with the number
 * of transfers that failed. `ledger threads` has two threads pay in, one after
 * the other; `ledger fork` has a child withdraw, and adds its exit status.
 */
// cc: -pthread -fno-optimize-sibling-calls -fno-omit-frame-pointer
#include "static_notes.h"
#include "target.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

struct account {
  int32_t id;
  char name[12];
  int64_t balance;
  unsigned locked : 1;
  unsigned level : 3;
  struct account *next;
};

static volatile long sink;
static struct account bob = {2, "bob", 50, 1, 5, NULL};
static struct account alice = {1, "alice", 100, 0, 3, &bob};

NOINLINE int64_t deposit(struct account *account, int64_t amount) {
  account->balance += amount;
  NOTE("ledger", "paid__in", "0",
       "8@%[name] -8@%[amount] -4@%k[id]", [name] "r"(account->name),
       [amount] "r"(amount), [id] "r"((long)account->id));
  return account->balance;
}

NOINLINE int withdraw(struct account *account, int64_t amount) {
  if (amount > account->balance)
    return -1;
  account->balance -= amount;
  return 0;
}

NOINLINE int transfer(struct account *from, struct account *to,
                      int64_t amount) {
  if (withdraw(from, amount) != 0)
    return -1;
  deposit(to, amount);
  return 0;
}

/* Returns the length of a note that only a tracer can change. */
NOINLINE int note(char *text) {
  __asm__ volatile("" ::: "memory");
  return (int)strlen(text);
}

NOINLINE int countdown(int n) {
  __asm__ volatile("");
  return n == 0 ? 0 : 1 + countdown(n - 1);
}

NOINLINE long many(long a, long b, long c, long d, long e, long f, long g,
                   long h, long i, long j) {
  return a + b + c + d + e + f + g + h + i + j;
}

NOINLINE int bad(const char *text) {
  __asm__ volatile("");
  return text == NULL;
}

static void *pay(void *amount) {
  deposit(&bob, (intptr_t)amount);
  deposit(&bob, (intptr_t)amount + 1);
  return NULL;
}

static void pay_by_threads(void) {
  for (intptr_t amount = 10; amount <= 20; amount += 10) {
    pthread_t thread;
    pthread_create(&thread, NULL, pay, (void *)amount);
    pthread_join(thread, NULL);
  }
}

static int withdraw_in_child(void) {
  pid_t child = fork();
  if (child == 0)
    _exit(withdraw(&alice, 1) == 0 ? 3 : 4);
  int status;
  return waitpid(child, &status, 0) == child ? WEXITSTATUS(status) : 100;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  char text[8] = "note";
  int failed = 0;
  failed += transfer(&alice, &bob, 30) != 0;
  failed += transfer(&bob, &alice, 500) != 0;
  failed += transfer(&bob, &alice, 7) != 0;
  countdown(3);
  sink = many(1, 2, 3, 4, 5, 6, 7, 8, 9, -10);
  bad((char *)16);
  if (note(text) != 4)
    failed += 10;
  if (strcmp(what, "threads") == 0)
    pay_by_threads();
  if (strcmp(what, "fork") == 0)
    failed += withdraw_in_child();
  return failed;
}
