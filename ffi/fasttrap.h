/*
 * fasttrap.h - everything the tracer asks the kernel for.
 *
 * The library has no policy, no table and no state. Each function is one
 * request: it returns a count, an identifier or 0, or a negative errno. The
 * few that return a double do so because the value may pass 2^31; they are
 * negative on error too.
 *
 * Types are those that cross Deno's FFI cheaply: int32_t, uint32_t, double
 * (addresses, offsets and sizes, all below 2^53) and pointers to buffers of
 * the caller. Strings are NUL-terminated.
 *
 * Threads. Every ft_ function that makes a ptrace request must be called on
 * the thread that seized the tracee: the JavaScript thread. ft_wait_pool is
 * the only one meant for another thread; it asks and consumes nothing.
 *
 * Memory is read by process_vm_readv(2), which needs no descriptor, and
 * written through /proc/PID/mem, which may write text that is mapped
 * read-only (FOLL_FORCE) and of which one pwrite changes up to a page at once;
 * where the kernel forbids that (proc_mem.force_override, Linux 6.12),
 * ft_poke does it, 8 bytes at a time, by PTRACE_POKEDATA.
 */
#ifndef FASTTRAP_H
#define FASTTRAP_H

#include <stdint.h>

#define FT_API __attribute__((visibility("default")))

/* Raised with every change of this header that a caller can notice. */
#define FT_ABI 9

/* The ABI number that the library was compiled with. */
FT_API int32_t ft_abi(void);

/* ---- spawn.c: the start of a program ----------------------------------- */

/*
 * Starts a program, seized and stopped before its first instruction (a
 * PTRACE_EVENT_EXEC stop, still to be waited for). No path search is made.
 *
 *   path     the file to execute
 *   argv     argc arguments, each NUL-terminated, one after the other
 *   envp     envc strings of its environment, in the same form
 *   cwd      its working directory, from which a relative path is then found;
 *            "" keeps the tracer's
 *   in, out, err  the descriptors it gets as 0, 1 and 2; all others are closed
 *   options  the PTRACE_O_ bits to seize it with, beside PTRACE_O_TRACEEXEC
 *
 * The child has an empty signal mask and the default action for SIGPIPE,
 * which the runtime ignores for itself.
 *
 * Returns its pid, or the -errno of fork, of PTRACE_SEIZE, or, from the child,
 * of chdir, fcntl or execve; then no child is left. -ENOEXEC may also mean that
 * the kernel killed it, having found out too late that it cannot load the file.
 */
FT_API int32_t ft_spawn(const uint8_t *path, const uint8_t *argv, uint32_t argc,
                        const uint8_t *envp, uint32_t envc, const uint8_t *cwd,
                        int32_t in, int32_t out, int32_t err, uint32_t options);

/* ---- process.c: life of tracees ---------------------------------------- */

/* PTRACE_SEIZE of a thread, with PTRACE_O_ bits. It is not stopped. */
FT_API int32_t ft_seize(int32_t tid, uint32_t options);

/* PTRACE_INTERRUPT: a PTRACE_EVENT_STOP follows. */
FT_API int32_t ft_interrupt(int32_t tid);

/* PTRACE_CONT with a signal, 0 for none. */
FT_API int32_t ft_continue(int32_t tid, int32_t signal);

/* PTRACE_SINGLESTEP with a signal, 0 for none. */
FT_API int32_t ft_step(int32_t tid, int32_t signal);

/*
 * PTRACE_SYSCALL without a signal: goes on up to the beginning or the end of a
 * system call, where it stops with SIGTRAP | 0x80 (PTRACE_O_TRACESYSGOOD).
 */
FT_API int32_t ft_continue_to_call(int32_t tid);

/* PTRACE_LISTEN: leaves a thread in group-stop, but hears of SIGCONT. */
FT_API int32_t ft_listen(int32_t tid);

/* PTRACE_DETACH with a signal, 0 for none. */
FT_API int32_t ft_detach(int32_t tid, int32_t signal);

/*
 * Finds a child or tracee that has something to report, without consuming
 * it. Polls, giving up the CPU between looks, for at most limit_us
 * microseconds (0: one look): a blocked tracer would have to be woken, which
 * costs three times as much as a short stop.
 *
 * It finds every child of the tracer, also one that Deno.Command started and
 * will reap itself: the caller must know its own.
 *
 * Returns its id, 0 if there is none in time, or -ECHILD without children.
 * status receives what ft_wait would give.
 */
FT_API int32_t ft_peek(double limit_us, int32_t *status);

/*
 * Tells whether one child or tracee has ended, without consuming its end, so
 * that whoever started it can still wait for it.
 *
 * Returns 1 if it has, 0 if not, or -ECHILD if it is none of ours.
 */
FT_API int32_t ft_ended(int32_t tid);

/*
 * Consumes what one child or tracee has to report, with the same limit.
 * status receives the wait status of waitpid(2).
 *
 * Returns its id, 0 if there is nothing in time, or -errno.
 */
FT_API int32_t ft_wait(int32_t tid, double limit_us, int32_t *status);

/*
 * As ft_wait, without consuming: a tracee that is stopped reports its stop
 * again. As long as it does, the kernel still delivers the signal that it is
 * stopped for if the tracer dies; consuming would lose it.
 */
FT_API int32_t ft_look(int32_t tid, double limit_us, int32_t *status);

/*
 * Blocks until some child or tracee has something to report, which it does
 * not consume. For a pool thread. ft_wake ends it.
 *
 * Returns the id, or -ECHILD without children.
 */
FT_API int32_t ft_wait_pool(void);

/*
 * Makes a child that ends at once and is seen by waits with __WALL only, so
 * that a blocked ft_wait_pool returns.
 *
 * Returns its pid, to be consumed with ft_wait.
 */
FT_API int32_t ft_wake(void);

/*
 * sched_getaffinity(2) of the calling thread: the CPUs it may run on, a bit
 * each. Returns the bytes filled.
 */
FT_API int32_t ft_get_affinity(uint8_t *mask, uint32_t size);

/* sched_setaffinity(2) of the calling thread. */
FT_API int32_t ft_set_affinity(const uint8_t *mask, uint32_t size);

/* getcpu(2): the CPU that the calling thread is running on. */
FT_API int32_t ft_cpu(void);

/* tgkill(2); with tgid 0, kill(2) of tid. */
FT_API int32_t ft_kill(int32_t tgid, int32_t tid, int32_t signal);

/*
 * rt_tgsigqueueinfo(2) with 128 bytes of siginfo: the signal arrives with it,
 * unless it is one that only the kernel may send (si_code >= 0 or SI_TKILL),
 * which is -EPERM.
 */
FT_API int32_t ft_queue_signal(int32_t tgid, int32_t tid, int32_t signal,
                               const uint8_t *siginfo);

/* pidfd_open(2), close-on-exec. */
FT_API int32_t ft_pidfd_open(int32_t pid);

/* pidfd_getfd(2): a duplicate of the target's descriptor. */
FT_API int32_t ft_pidfd_getfd(int32_t pidfd, int32_t fd);

/*
 * kcmp(2) with KCMP_VM: 0 when both share their memory, another value when
 * they do not, -ENOSYS on a kernel without it.
 */
FT_API int32_t ft_same_memory(int32_t pid, int32_t other);

/* Own ids: uid, euid, gid, egid, pid, tid of the caller, page size. */
FT_API int32_t ft_self(int32_t ids[7]);

/* ---- registers.c: state of a stopped tracee ---------------------------- */

/*
 * PTRACE_GETREGSET of a note type (NT_PRSTATUS, NT_X86_XSTATE...).
 * Returns the bytes filled.
 */
FT_API int32_t ft_get_regset(int32_t tid, int32_t note, uint8_t *buffer,
                             uint32_t size);

/* PTRACE_SETREGSET. */
FT_API int32_t ft_set_regset(int32_t tid, int32_t note, const uint8_t *buffer,
                             uint32_t size);

/* PTRACE_GETSIGINFO: 128 bytes. */
FT_API int32_t ft_get_siginfo(int32_t tid, uint8_t *siginfo);

/* PTRACE_SETSIGINFO: 128 bytes. */
FT_API int32_t ft_set_siginfo(int32_t tid, const uint8_t *siginfo);

/* PTRACE_GETSIGMASK: the signals that it blocks, 8 bytes. */
FT_API int32_t ft_get_sigmask(int32_t tid, uint8_t *mask);

/* PTRACE_SETSIGMASK: 8 bytes. */
FT_API int32_t ft_set_sigmask(int32_t tid, const uint8_t *mask);

/* PTRACE_GETEVENTMSG: the low and the high half of the message. */
FT_API int32_t ft_event_message(int32_t tid, uint32_t message[2]);

/* ---- memory.c: memory of a target -------------------------------------- */

/*
 * process_vm_readv(2). Needs the right to ptrace, not a stopped thread.
 * Returns the bytes read, which end before the first page that cannot be;
 * -EFAULT if that is the first one.
 */
FT_API int32_t ft_read_memory(int32_t pid, double address, uint8_t *buffer,
                              uint32_t size);

/* process_vm_writev(2): data that the program itself may write. */
FT_API int32_t ft_write_memory(int32_t pid, double address,
                               const uint8_t *buffer, uint32_t size);

/* PTRACE_POKEDATA of 8 bytes; tid must be stopped. */
FT_API int32_t ft_poke(int32_t tid, double address, const uint8_t *word);

/* ---- file.c: files, which Deno would guard ----------------------------- */

/* open(2) with O_CLOEXEC; write is 0 for O_RDONLY, 1 for O_RDWR. */
FT_API int32_t ft_open(const uint8_t *path, int32_t write);

/* close(2). */
FT_API int32_t ft_close(int32_t fd);

/* pread(2): a range of a file, or of /proc/PID/mem. Retried until full. */
FT_API int32_t ft_pread(int32_t fd, double offset, uint8_t *buffer,
                        uint32_t size);

/* pwrite(2). Retried until all is written; -errno of the first refusal. */
FT_API int32_t ft_pwrite(int32_t fd, double offset, const uint8_t *buffer,
                         uint32_t size);

/*
 * Reads a file from its beginning to its end, for those in /proc whose size
 * is not known before. Returns the bytes read; the buffer's size means that
 * there may be more.
 */
FT_API int32_t ft_read_file(const uint8_t *path, uint8_t *buffer,
                            uint32_t size);

/* readlink(2). Returns the bytes, without a NUL. */
FT_API int32_t ft_read_link(const uint8_t *path, uint8_t *buffer,
                            uint32_t size);

/*
 * Lists a directory without "." and "..", each name NUL-terminated. Returns
 * the bytes; -ENOSPC if they do not fit.
 */
FT_API int32_t ft_list_directory(const uint8_t *path, uint8_t *buffer,
                                 uint32_t size);

/*
 * stat(2): mode, size, device, inode, modification time in ns, uid, gid.
 */
FT_API int32_t ft_stat(const uint8_t *path, double values[7]);

/* access(2) with X_OK, by the effective ids: 0 or -errno. */
FT_API int32_t ft_executable(const uint8_t *path);

/* The tracer's environment, each entry NUL-terminated; -ENOSPC as above. */
FT_API int32_t ft_environment(uint8_t *buffer, uint32_t size);

/* memfd_create(2) with MFD_CLOEXEC. */
FT_API int32_t ft_memfd(const uint8_t *name);

/*
 * mmap(2) of a descriptor, MAP_SHARED, readable, writable if write is 1.
 * Returns the address, or -errno.
 */
FT_API double ft_map(int32_t fd, double offset, double size, int32_t write);

/* munmap(2). */
FT_API int32_t ft_unmap(double address, double size);

/* CLOCK_MONOTONIC in nanoseconds: exact until 104 days after boot (2^53). */
FT_API double ft_clock_ns(void);

/*
 * The time stamp counter of the CPU (the virtual counter of aarch64), low half
 * first, and the same moment as ft_clock_ns has it, to some tens of
 * nanoseconds.
 *
 * Returns 0; -ENOSYS on a machine without such a counter.
 */
FT_API int32_t ft_ticks(uint32_t ticks[2], double *ns);

/* ---- life.c: the end of the tracer -------------------------------------- */

/*
 * Has the kernel mark a word of a file when the calling thread ends, whatever
 * ends it, before it lets go of the thread's tracees. The word is 16 bytes
 * before the end of the page at the offset. It gets the thread's id now, and
 * the bit FUTEX_OWNER_DIED (0x40000000) then, if it has that id still;
 * FUTEX_WAITERS (0x80000000) is free for others.
 *
 * Returns the address of what has been mapped for that; -ENOSYS if the C
 * library of the tracer keeps no list of robust futexes that it fits in.
 */
FT_API double ft_mark_end(int32_t fd, double offset);

/* Takes that back, on the same thread. Returns 0 or -errno. */
FT_API int32_t ft_unmark_end(double address);

#endif
