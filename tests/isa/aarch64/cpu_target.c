/*
 * A program for cpu.ts to run single instructions in: maps its regions at the
 * addresses given as pairs of hexadecimal arguments, address and size, all of
 * them executable and writable, and serves the requests on its input.
 *
 * A run is entered and left by signals, whose frames hold all registers: the
 * handler of SIGUSR1 puts the registers of the request into the frame, that of
 * a trap or fault takes out what they have become.
 */
#define _GNU_SOURCE
#include <asm/sigcontext.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum {
  WRITE,
  RUN,
  CALL,
  READ,
  WINDOWS = 3,
  WINDOW_BYTES = 2048,
  THREADS_LIMIT = 8
};

struct header {
  uint32_t kind;
  uint32_t count; /* bytes to write or read; threads */
  uint64_t address;
};

/* What goes in and comes out: x0 to x30, sp, pc, pstate; v0 to v31. */
struct state {
  uint64_t signal;
  uint64_t fault_address;
  uint64_t registers[34];
  uint64_t vectors[64];
  uint8_t windows[WINDOWS][WINDOW_BYTES];
};

static struct state state;
static mcontext_t saved;
static uint8_t *windows[WINDOWS];
static uint64_t rounds;
static pthread_barrier_t start;
static uint64_t (*function)(uint64_t);

static struct fpsimd_context *vectors_of(mcontext_t *context) {
  uint8_t *at = (uint8_t *)context->__reserved;
  for (;;) {
    struct _aarch64_ctx *head = (struct _aarch64_ctx *)at;
    if (head->magic == FPSIMD_MAGIC)
      return (struct fpsimd_context *)at;
    if (head->magic == 0 || head->size == 0)
      _exit(3);
    at += head->size;
  }
}

static void enter(int signal, siginfo_t *info, void *data) {
  mcontext_t *context = &((ucontext_t *)data)->uc_mcontext;
  (void)signal, (void)info;
  saved = *context;
  memcpy(context->regs, state.registers, 31 * 8);
  context->sp = state.registers[31];
  context->pc = state.registers[32];
  context->pstate = state.registers[33];
  memcpy(vectors_of(context)->vregs, state.vectors, sizeof state.vectors);
}

static void leave(int signal, siginfo_t *info, void *data) {
  mcontext_t *context = &((ucontext_t *)data)->uc_mcontext;
  state.signal = (uint64_t)signal;
  state.fault_address = (uint64_t)info->si_addr;
  memcpy(state.registers, context->regs, 31 * 8);
  state.registers[31] = context->sp;
  state.registers[32] = context->pc;
  state.registers[33] = context->pstate;
  memcpy(state.vectors, vectors_of(context)->vregs, sizeof state.vectors);
  *context = saved;
}

static void *call_often(void *unused) {
  uint64_t sum = 0;
  (void)unused;
  pthread_barrier_wait(&start);
  for (uint64_t i = 0; i < rounds; i++)
    sum += function(i);
  return (void *)sum;
}

static void receive(void *data, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t part = read(0, (uint8_t *)data + done, size - done);
    if (part <= 0)
      _exit(0);
    done += (size_t)part;
  }
}

static void answer(const void *data, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t part = write(1, (const uint8_t *)data + done, size - done);
    if (part <= 0)
      _exit(2);
    done += (size_t)part;
  }
}

static void run(void) {
  receive(&state, sizeof state);
  for (int i = 0; i < WINDOWS; i++)
    memcpy(windows[i], state.windows[i], WINDOW_BYTES);
  raise(SIGUSR1);
  for (int i = 0; i < WINDOWS; i++)
    memcpy(state.windows[i], windows[i], WINDOW_BYTES);
  answer(&state, sizeof state);
}

static void call(struct header header) {
  pthread_t threads[THREADS_LIMIT];
  uint64_t sum = 0;
  receive(&rounds, sizeof rounds);
  function = (uint64_t(*)(uint64_t))header.address;
  if (header.count > 0)
    pthread_barrier_init(&start, NULL, header.count);
  for (uint32_t i = 0; i < header.count; i++)
    pthread_create(&threads[i], NULL, call_often, NULL);
  for (uint32_t i = 0; i < header.count; i++) {
    void *part;
    pthread_join(threads[i], &part);
    sum += (uint64_t)part;
  }
  answer(&sum, sizeof sum);
}

int main(int argc, char **argv) {
  static uint8_t stack[65536];
  stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction on_enter = {.sa_sigaction = enter, .sa_flags = SA_SIGINFO};
  struct sigaction on_leave = {.sa_sigaction = leave,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK};
  const int faults[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
  struct header header;
  for (int i = 1; i + 1 < argc; i += 2) {
    uint8_t *address = (uint8_t *)strtoul(argv[i], NULL, 16);
    size_t size = strtoul(argv[i + 1], NULL, 16);
    if (mmap(address, size, PROT_READ | PROT_WRITE | PROT_EXEC,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != address)
      return 1;
    if (i / 2 < WINDOWS)
      windows[i / 2] = address;
  }
  sigaltstack(&own, NULL);
  sigaction(SIGUSR1, &on_enter, NULL);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
    sigaction(faults[i], &on_leave, NULL);
  for (;;) {
    receive(&header, sizeof header);
    if (header.kind == WRITE) {
      receive((void *)header.address, header.count);
      __builtin___clear_cache((char *)header.address,
                              (char *)header.address + header.count);
    } else if (header.kind == RUN) {
      run();
    } else if (header.kind == READ) {
      answer((void *)header.address, header.count);
    } else {
      call(header);
    }
  }
}
