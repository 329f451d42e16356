/**
 * The C library, seen from TypeScript: the table of its functions, and the only `Deno.dlopen` of the project.
 *
 * Every function answers with a number that is negative, `-errno`, when the kernel refused; {@linkcode Kernel.check}
 * turns that into a {@linkcode SystemError}. What each one does is said in `fasttrap.h`.
 *
 * @module
 */

import { SystemError } from "../lib/errors.ts";
import { errnoName } from "../lib/system_names.ts";

/** The `FT_ABI` of `fasttrap.h` that {@linkcode SYMBOLS} describes. */
export const FT_ABI = 9;

/**
 * The functions of the C library by their C names, each with its prototype. A test compares them with `fasttrap.h`.
 *
 * Only `ft_wait_pool` leaves the JavaScript thread: the kernel takes ptrace requests from no other thread.
 */
export const SYMBOLS = {
  // int32_t ft_abi(void)
  ft_abi: { parameters: [], result: "i32" },

  // int32_t ft_spawn(const uint8_t *path, const uint8_t *argv, uint32_t argc, const uint8_t *envp, uint32_t envc,
  //                  const uint8_t *cwd, int32_t in, int32_t out, int32_t err, uint32_t options)
  ft_spawn: {
    parameters: ["buffer", "buffer", "u32", "buffer", "u32", "buffer", "i32", "i32", "i32", "u32"],
    result: "i32",
  },
  // int32_t ft_seize(int32_t tid, uint32_t options)
  ft_seize: { parameters: ["i32", "u32"], result: "i32" },
  // int32_t ft_interrupt(int32_t tid)
  ft_interrupt: { parameters: ["i32"], result: "i32" },
  // int32_t ft_continue(int32_t tid, int32_t signal)
  ft_continue: { parameters: ["i32", "i32"], result: "i32" },
  // int32_t ft_step(int32_t tid, int32_t signal)
  ft_step: { parameters: ["i32", "i32"], result: "i32" },
  // int32_t ft_continue_to_call(int32_t tid)
  ft_continue_to_call: { parameters: ["i32"], result: "i32" },
  // int32_t ft_listen(int32_t tid)
  ft_listen: { parameters: ["i32"], result: "i32" },
  // int32_t ft_detach(int32_t tid, int32_t signal)
  ft_detach: { parameters: ["i32", "i32"], result: "i32" },
  // int32_t ft_peek(double limit_us, int32_t *status)
  ft_peek: { parameters: ["f64", "buffer"], result: "i32" },
  // int32_t ft_ended(int32_t tid)
  ft_ended: { parameters: ["i32"], result: "i32" },
  // int32_t ft_wait(int32_t tid, double limit_us, int32_t *status)
  ft_wait: { parameters: ["i32", "f64", "buffer"], result: "i32" },
  // int32_t ft_look(int32_t tid, double limit_us, int32_t *status)
  ft_look: { parameters: ["i32", "f64", "buffer"], result: "i32" },
  // int32_t ft_wait_pool(void)
  ft_wait_pool: { parameters: [], result: "i32", nonblocking: true },
  // int32_t ft_wake(void)
  ft_wake: { parameters: [], result: "i32" },
  // int32_t ft_get_affinity(uint8_t *mask, uint32_t size)
  ft_get_affinity: { parameters: ["buffer", "u32"], result: "i32" },
  // int32_t ft_set_affinity(const uint8_t *mask, uint32_t size)
  ft_set_affinity: { parameters: ["buffer", "u32"], result: "i32" },
  // int32_t ft_cpu(void)
  ft_cpu: { parameters: [], result: "i32" },
  // int32_t ft_kill(int32_t tgid, int32_t tid, int32_t signal)
  ft_kill: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // int32_t ft_queue_signal(int32_t tgid, int32_t tid, int32_t signal, const uint8_t *siginfo)
  ft_queue_signal: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  // int32_t ft_pidfd_open(int32_t pid)
  ft_pidfd_open: { parameters: ["i32"], result: "i32" },
  // int32_t ft_pidfd_getfd(int32_t pidfd, int32_t fd)
  ft_pidfd_getfd: { parameters: ["i32", "i32"], result: "i32" },
  // int32_t ft_same_memory(int32_t pid, int32_t other)
  ft_same_memory: { parameters: ["i32", "i32"], result: "i32" },
  // int32_t ft_self(int32_t ids[7])
  ft_self: { parameters: ["buffer"], result: "i32" },

  // int32_t ft_get_regset(int32_t tid, int32_t note, uint8_t *buffer, uint32_t size)
  ft_get_regset: { parameters: ["i32", "i32", "buffer", "u32"], result: "i32" },
  // int32_t ft_set_regset(int32_t tid, int32_t note, const uint8_t *buffer, uint32_t size)
  ft_set_regset: { parameters: ["i32", "i32", "buffer", "u32"], result: "i32" },
  // int32_t ft_get_siginfo(int32_t tid, uint8_t *siginfo)
  ft_get_siginfo: { parameters: ["i32", "buffer"], result: "i32" },
  // int32_t ft_set_siginfo(int32_t tid, const uint8_t *siginfo)
  ft_set_siginfo: { parameters: ["i32", "buffer"], result: "i32" },
  // int32_t ft_get_sigmask(int32_t tid, uint8_t *mask)
  ft_get_sigmask: { parameters: ["i32", "buffer"], result: "i32" },
  // int32_t ft_set_sigmask(int32_t tid, const uint8_t *mask)
  ft_set_sigmask: { parameters: ["i32", "buffer"], result: "i32" },
  // int32_t ft_event_message(int32_t tid, uint32_t message[2])
  ft_event_message: { parameters: ["i32", "buffer"], result: "i32" },

  // int32_t ft_read_memory(int32_t pid, double address, uint8_t *buffer, uint32_t size)
  ft_read_memory: { parameters: ["i32", "f64", "buffer", "u32"], result: "i32" },
  // int32_t ft_write_memory(int32_t pid, double address, const uint8_t *buffer, uint32_t size)
  ft_write_memory: { parameters: ["i32", "f64", "buffer", "u32"], result: "i32" },
  // int32_t ft_poke(int32_t tid, double address, const uint8_t *word)
  ft_poke: { parameters: ["i32", "f64", "buffer"], result: "i32" },

  // int32_t ft_open(const uint8_t *path, int32_t write)
  ft_open: { parameters: ["buffer", "i32"], result: "i32" },
  // int32_t ft_close(int32_t fd)
  ft_close: { parameters: ["i32"], result: "i32" },
  // int32_t ft_pread(int32_t fd, double offset, uint8_t *buffer, uint32_t size)
  ft_pread: { parameters: ["i32", "f64", "buffer", "u32"], result: "i32" },
  // int32_t ft_pwrite(int32_t fd, double offset, const uint8_t *buffer, uint32_t size)
  ft_pwrite: { parameters: ["i32", "f64", "buffer", "u32"], result: "i32" },
  // int32_t ft_read_file(const uint8_t *path, uint8_t *buffer, uint32_t size)
  ft_read_file: { parameters: ["buffer", "buffer", "u32"], result: "i32" },
  // int32_t ft_read_link(const uint8_t *path, uint8_t *buffer, uint32_t size)
  ft_read_link: { parameters: ["buffer", "buffer", "u32"], result: "i32" },
  // int32_t ft_list_directory(const uint8_t *path, uint8_t *buffer, uint32_t size)
  ft_list_directory: { parameters: ["buffer", "buffer", "u32"], result: "i32" },
  // int32_t ft_stat(const uint8_t *path, double values[7])
  ft_stat: { parameters: ["buffer", "buffer"], result: "i32" },
  // int32_t ft_executable(const uint8_t *path)
  ft_executable: { parameters: ["buffer"], result: "i32" },
  // int32_t ft_environment(uint8_t *buffer, uint32_t size)
  ft_environment: { parameters: ["buffer", "u32"], result: "i32" },
  // int32_t ft_memfd(const uint8_t *name)
  ft_memfd: { parameters: ["buffer"], result: "i32" },
  // double ft_map(int32_t fd, double offset, double size, int32_t write)
  ft_map: { parameters: ["i32", "f64", "f64", "i32"], result: "f64" },
  // int32_t ft_unmap(double address, double size)
  ft_unmap: { parameters: ["f64", "f64"], result: "i32" },
  // double ft_clock_ns(void)
  ft_clock_ns: { parameters: [], result: "f64" },
  // int32_t ft_ticks(uint32_t ticks[2], double *ns)
  ft_ticks: { parameters: ["buffer", "buffer"], result: "i32" },

  // double ft_mark_end(int32_t fd, double offset)
  ft_mark_end: { parameters: ["i32", "f64"], result: "f64" },
  // int32_t ft_unmark_end(double address)
  ft_unmark_end: { parameters: ["f64"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of the C library, typed. `ft_wait_pool` returns a promise, the others are synchronous. */
export type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/**
 * The loaded C library. Disposing of it unloads the code, so that no call may be under way: a pending
 * `ft_wait_pool` is ended by `ft_wake` and awaited first.
 */
export interface Kernel extends Disposable {
  /** The functions. */
  readonly call: Symbols;

  /**
   * Passes a result on, unless it is an error.
   *
   * @param result What a function returned.
   * @param request The request's name for the message, such as `PTRACE_SEIZE`.
   * @param subject What it was made for, such as `process 1234`.
   * @returns The result, which is not negative.
   * @throws {SystemError} If the result is `-errno`.
   */
  check(result: number, request: string, subject: string): number;
}

/** What embedding needs of the C library of the system. It is opened for that moment only. */
const LIBC = {
  // int memfd_create(const char *name, unsigned int flags)
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  // ssize_t write(int fd, const void *buffer, size_t count)
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  // int close(int fd)
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Names of the system's C library: glibc's, musl's. */
const LIBC_NAMES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"] as const;

/** `MFD_CLOEXEC`, linux/memfd.h. */
const MFD_CLOEXEC = 0x1;
/** `MFD_EXEC`, linux/memfd.h; Linux 6.3. Without it `vm.memfd_noexec` forbids to load from the file. */
const MFD_EXEC = 0x10;

/** What helps against a missing or old library. */
const BUILD_HINT = "run: deno task build";

/**
 * Turns text into what C takes for a string.
 *
 * @param text The text.
 * @returns Its UTF-8 bytes and a NUL.
 * @throws {TypeError} If the text contains a NUL, which would end it early.
 */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new TypeError(`Cannot pass ${JSON.stringify(text)} to C: it contains a NUL`);
  return new TextEncoder().encode(`${text}\0`);
}

/**
 * Turns texts into a block of C strings, one after the other, as `ft_spawn` takes its arguments and environment.
 *
 * @param texts The texts.
 * @returns Their UTF-8 bytes, each text followed by a NUL.
 * @throws {TypeError} If a text contains a NUL.
 */
export function cStrings(texts: readonly string[]): Uint8Array<ArrayBuffer> {
  for (const text of texts) cString(text);
  return new TextEncoder().encode(texts.map((text) => `${text}\0`).join(""));
}

/**
 * Shows memory of this program that `ft_map` has mapped.
 *
 * @param address Its address.
 * @param sizeBytes Its size.
 * @returns The memory itself, no copy. It must not be used any more when it has been unmapped.
 */
export function mappedMemory(address: number, sizeBytes: number): ArrayBuffer {
  return Deno.UnsafePointerView.getArrayBuffer(Deno.UnsafePointer.create(BigInt(address))!, sizeBytes);
}

/**
 * Loads the C library.
 *
 * @param path Where it is. By default what `FASTTRAP_LIB` says, if reading that variable is already permitted, else
 * `build/libfasttrap.so` beside this module's folder.
 * @returns The library, to be disposed of.
 * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
 * @throws {SystemError} If it is missing, is not a library, or has another ABI.
 */
export function openKernel(path: string | URL = defaultPath()): Kernel {
  const name = path instanceof URL && path.protocol === "file:" ? decodeURIComponent(path.pathname) : String(path);
  return open(name, name);
}

/**
 * Loads the C library from its bytes, for a program that carries them in itself. They go through a file in memory,
 * so that this needs no more permission than {@linkcode openKernel}.
 *
 * @param bytes The contents of `libfasttrap.so`.
 * @returns The library, to be disposed of.
 * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
 * @throws {SystemError} If the system refuses the file, or it is not the library.
 */
export function openKernelFromBytes(bytes: Uint8Array): Kernel {
  const libc = openLibc();
  try {
    const name = cString("libfasttrap.so");
    let fd = libc.symbols.memfd_create(name, MFD_CLOEXEC | MFD_EXEC);
    if (fd < 0) fd = libc.symbols.memfd_create(name, MFD_CLOEXEC);
    if (fd < 0) throw new SystemError("ENOSYS", "memfd_create", "for the embedded C library");
    try {
      for (let rest = new Uint8Array(bytes); rest.length > 0;) {
        const written = Number(libc.symbols.write(fd, rest, BigInt(rest.length)));
        if (written <= 0) throw new SystemError("EIO", "write", "the embedded C library to memory");
        rest = rest.subarray(written);
      }
      return open(`/proc/self/fd/${fd}`, "the embedded C library", fd);
    } catch (error) {
      libc.symbols.close(fd);
      throw error;
    }
  } finally {
    libc.close();
  }
}

/** The library's place when the caller names none. */
function defaultPath(): string | URL {
  const permission = Deno.permissions.querySync({ name: "env", variable: "FASTTRAP_LIB" });
  const override = permission.state === "granted" ? Deno.env.get("FASTTRAP_LIB") : undefined;
  return override || new URL("../build/libfasttrap.so", import.meta.url);
}

/** Loads a library of this table and compares the ABI; `subject` names it in messages. `fd` is closed when it is unloaded. */
function open(path: string, subject: string, fd?: number): Kernel {
  const libraries: { close(): void }[] = [];
  const call = bindLazily(path, libraries);
  const close = () => {
    for (const library of libraries.splice(0)) library.close();
  };
  let abi: number;
  try {
    abi = call.ft_abi();
  } catch (cause) {
    throw loadError(cause, subject);
  }
  if (abi !== FT_ABI) {
    close();
    throw new SystemError("ELIBBAD", "load", `${subject} (it has ABI ${abi}, this program needs ${FT_ABI})`, {
      hint: BUILD_HINT,
    });
  }
  const kernel = {
    call,
    check(result: number, request: string, subject: string): number {
      if (result < 0) throw new SystemError(errnoName(-result), request, subject);
      return result;
    },
    [Symbol.dispose](): void {
      if (fd !== undefined && kernel.call === call) call.ft_close(fd);
      close();
      kernel.call = UNLOADED;
    },
  };
  return kernel;
}

/**
 * Makes the table of functions, each of which is bound when it is used first: binding takes Deno 0.13 ms, and few commands need
 * more than half of them.
 */
function bindLazily(path: string, libraries: { close(): void }[]): Symbols {
  const unbound = {};
  for (const name of Object.keys(SYMBOLS) as (keyof Symbols)[]) {
    Object.defineProperty(unbound, name, {
      get() {
        const library = Deno.dlopen(path, { [name]: SYMBOLS[name] });
        libraries.push(library);
        const value = library.symbols[name];
        Object.defineProperty(call, name, { value, enumerable: true });
        return value;
      },
    });
  }
  const call: Symbols = Object.create(unbound);
  return call;
}

/** What takes the place of the functions when the library is unloaded: to call one of them would end the program. */
const UNLOADED = new Proxy({} as Kernel["call"], {
  get: (_, name) => () => {
    throw new TypeError(`Cannot call ${String(name)}: the session is closed, and the C library unloaded`);
  },
});

/** What `Deno.dlopen` threw, told apart by its message: it has no code. A refused permission stays what it is. */
function loadError(cause: unknown, subject: string): unknown {
  if (!(cause instanceof Error) || cause instanceof Deno.errors.NotCapable) return cause;
  const errno = cause.message.includes("No such file") ? "ENOENT" : "ELIBBAD";
  return new SystemError(errno, "load", subject, { hint: BUILD_HINT, cause });
}

/** Opens the C library of the system under the first name that it has. */
function openLibc(): Deno.DynamicLibrary<typeof LIBC> {
  let failure: unknown;
  for (const name of LIBC_NAMES) {
    try {
      return Deno.dlopen(name, LIBC);
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      failure = error;
    }
  }
  throw loadError(failure, LIBC_NAMES[0]);
}
