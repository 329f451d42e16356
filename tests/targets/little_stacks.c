// Calls work() and take() as often as the first argument says on stacks with
// little room: in threads of the least size, in coroutines of 2 KiB and down to
// the last words of such a stack, with a page that may not be touched below
// it, and in a handler on the least alternate stack. Prints what came of it.
// cc: -pthread
#define _GNU_SOURCE
#include "target.h"
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define SMALL 2048
#define PAGE 4096

static long calls, sum;
static ucontext_t outer, inner;
static const char *text = "little room";

// Neither needs a word of stack below its return address.
long work(long n);
long take(const char *s);
__asm__(".p2align 4\n.globl work\n.type work, @function\nwork:\n"
        "  lea 1(%rdi), %rax\n  nop\n  ret\n.size work, . - work\n"
        ".p2align 4\n.globl take\n.type take, @function\ntake:\n"
        "  movzbl (%rdi), %eax\n  nop\n  nop\n  ret\n.size take, . - take\n");

static void call_all(void) {
  for (long i = 0; i < calls; i++)
    sum += work(i) + take(text);
}

static void *in_thread(void *unused) {
  call_all();
  return unused;
}

static void in_coroutine(void) { call_all(); }

static void handle(int signal) {
  sum += signal == SIGUSR1;
  call_all();
}

// Calls both with a stack that has so many bytes left below the return address.
static long call_with(char *stack, long bytes, long n) {
  long first, second;
  __asm__ volatile("mov %%rsp, %%rbx\n lea 8(%3,%4), %%rsp\n"
                   "mov %5, %%rdi\n call work\n mov %%rax, %0\n"
                   "mov %6, %%rdi\n call take\n mov %%rax, %1\n"
                   "mov %%rbx, %%rsp\n"
                   : "=&r"(first), "=&r"(second), "+m"(*(char(*)[SMALL])stack)
                   : "r"(stack), "r"(bytes), "r"(n), "r"(text)
                   : "rax", "rbx", "rdi", "memory", "cc");
  return first + second;
}

int main(int argc, char **argv) {
  calls = number(argc, argv, 1, 10);
  char *pages =
           mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
       *stack = pages + PAGE;
  mprotect(stack, PAGE, PROT_READ | PROT_WRITE);
  pthread_attr_t attributes;
  pthread_t id;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN);
  await_go();
  pthread_create(&id, &attributes, in_thread, NULL);
  pthread_join(id, NULL);
  getcontext(&inner);
  inner.uc_stack = (stack_t){.ss_sp = stack, .ss_size = SMALL};
  inner.uc_link = &outer;
  makecontext(&inner, in_coroutine, 0);
  swapcontext(&outer, &inner);
  stack_t other = {.ss_sp = malloc((size_t)sysconf(_SC_MINSIGSTKSZ)),
                   .ss_size = (size_t)sysconf(_SC_MINSIGSTKSZ)};
  sigaltstack(&other, NULL);
  sigaction(SIGUSR1,
            &(struct sigaction){.sa_handler = handle, .sa_flags = SA_ONSTACK},
            NULL);
  raise(SIGUSR1);
  for (long bytes = 0; bytes < 512; bytes += 8)
    sum += call_with(stack, bytes, bytes);
  printf("sum %ld\n", sum);
  return 5;
}
