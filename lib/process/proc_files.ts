/**
 * What `/proc/PID` says (proc(5)): status, threads, mappings.
 *
 * The files are read through the C library, because Deno guards `/proc/PID/*` with more than `--allow-ffi`. All of them
 * can change or vanish between two reads; a file that is not there any more reads as undefined, never as an error.
 *
 * @module
 */

import { cString, type Kernel } from "../../ffi/ffi.ts";
import { type Address, toAddress } from "../address.ts";
import { getUint64 } from "../object/elf_headers.ts";

const decoder = new TextDecoder();

/** Fields of `/proc/PID/status` that decide whether and how a process can be traced. */
export interface ProcessStatus {
  /** The command name, at most 15 bytes. */
  readonly name: string;
  /** The state letter: R, S, D, T, t, Z, X, I. */
  readonly state: string;
  /** The process that this thread belongs to. */
  readonly tgid: number;
  /** The parent's pid. */
  readonly ppid: number;
  /** The pid of the tracer, 0 if none. */
  readonly tracerPid: number;
  /** Real, effective, saved and file-system uid. */
  readonly uid: readonly number[];
  /** Real, effective, saved and file-system gid. */
  readonly gid: readonly number[];
  /** Whether the process has memory of its own; kernel threads and zombies have none. */
  readonly hasMemory: boolean;
  /** The effective capabilities, as hexadecimal digits. */
  readonly capEff: string;
  /** The permitted capabilities, as hexadecimal digits. */
  readonly capPrm: string;
  /** 0 without seccomp, 1 in strict mode, 2 with filters. */
  readonly seccomp: number;
  /** The number of seccomp filters; 0 on kernels before 5.9, which do not say. */
  readonly seccompFilters: number;
  /** Whether its return addresses are kept on a shadow stack as well (CET on x86, Linux 6.6 and later). */
  readonly hasShadowStack: boolean;
  /** The signals that are pending for this thread alone, as hexadecimal digits. */
  readonly pending: string;
  /** The signals that this thread blocks, as hexadecimal digits. */
  readonly blocked: string;
}

/** A line of `/proc/PID/maps`. */
export interface Mapping {
  /** The first address. */
  readonly start: Address;
  /** The address behind the last one. */
  readonly end: Address;
  /** Permissions such as `r-xp`. */
  readonly permissions: string;
  /** The offset in the file, in bytes. */
  readonly offset: number;
  /** The file's device and inode as `major:minor inode`; `00:00 0` without a file. */
  readonly file: string;
  /** The path, or a name in brackets, or nothing. A deleted file's path comes without " (deleted)". */
  readonly path: string;
  /** Whether the file's name has been removed. */
  readonly deleted: boolean;
}

/**
 * Reads a whole file as text.
 *
 * @param kernel The kernel's requests.
 * @param path The file's path.
 * @returns The text; undefined if it cannot be read.
 */
export function readText(kernel: Kernel, path: string): string | undefined {
  const bytes = readBytes(kernel, path);
  return bytes && decoder.decode(bytes);
}

/**
 * Reads a whole file whose size is not known before.
 *
 * @param kernel The kernel's requests.
 * @param path The file's path.
 * @returns The bytes; undefined if it cannot be read, or is larger than 256 MiB.
 */
export function readBytes(kernel: Kernel, path: string): Uint8Array | undefined {
  for (let size = 1 << 14; size <= 1 << 28; size *= 4) {
    const buffer = new Uint8Array(size);
    const length = kernel.call.ft_read_file(cString(path), buffer, size);
    if (length < 0) return undefined;
    if (length < size) return buffer.subarray(0, length);
  }
  return undefined;
}

/**
 * Reads what a symbolic link, such as `/proc/PID/exe`, points to.
 *
 * @param kernel The kernel's requests.
 * @param path The link's path.
 * @returns The target; undefined if it cannot be read.
 */
export function readLink(kernel: Kernel, path: string): string | undefined {
  const buffer = new Uint8Array(4096);
  const length = kernel.call.ft_read_link(cString(path), buffer, buffer.length);
  return length < 0 ? undefined : decoder.decode(buffer.subarray(0, length));
}

/**
 * Reads `/proc/PID/status`.
 *
 * @param kernel The kernel's requests.
 * @param pid A process or thread, or `"self"`.
 * @returns The fields; undefined if there is no such process.
 */
export function readStatus(kernel: Kernel, pid: number | "self"): ProcessStatus | undefined {
  const text = readText(kernel, `/proc/${pid}/status`);
  if (text === undefined) return undefined;
  const fields = new Map(
    text.split("\n").map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
    }),
  );
  const number = (key: string): number => Number.parseInt(fields.get(key) ?? "0", 10);
  const numbers = (key: string): number[] => (fields.get(key) ?? "").split(/\s+/).map(Number);
  return {
    name: fields.get("Name") ?? "",
    state: (fields.get("State") ?? "?").charAt(0),
    tgid: number("Tgid"),
    ppid: number("PPid"),
    tracerPid: number("TracerPid"),
    uid: numbers("Uid"),
    gid: numbers("Gid"),
    hasMemory: fields.has("VmSize"),
    capEff: fields.get("CapEff") ?? "0",
    capPrm: fields.get("CapPrm") ?? "0",
    seccomp: number("Seccomp"),
    seccompFilters: number("Seccomp_filters"),
    hasShadowStack: /\bshstk\b/.test(fields.get("x86_Thread_features") ?? ""),
    pending: fields.get("SigPnd") ?? "0",
    blocked: fields.get("SigBlk") ?? "0",
  };
}

/**
 * Tells whether a signal is pending for a thread alone, and not blocked by it.
 *
 * @param status The thread's status.
 * @param signal The signal, from 1 to 64.
 * @returns Whether it is.
 */
export function isDeliverable({ pending, blocked }: ProcessStatus, signal: number): boolean {
  const bit = signal - 1;
  const has = (digits: string) => (Number.parseInt(digits.at(-1 - (bit >> 2)) ?? "0", 16) >> (bit & 3) & 1) === 1;
  return has(pending) && !has(blocked);
}

/**
 * Reads the state letter of a thread from `/proc/PID/task/TID/stat`, which is cheaper than its status.
 *
 * @param kernel The kernel's requests.
 * @param pid The process.
 * @param tid The thread.
 * @returns The letter; undefined if there is no such thread.
 */
export function readState(kernel: Kernel, pid: number, tid: number): string | undefined {
  return readStatFields(kernel, pid, tid)?.[0];
}

/**
 * Reads the CPU on which a thread ran last.
 *
 * @param kernel The kernel's requests.
 * @param pid The process.
 * @param tid The thread.
 * @returns The CPU's number; 0 if there is no such thread.
 */
export function readCpu(kernel: Kernel, pid: number, tid: number): number {
  return Number(readStatFields(kernel, pid, tid)?.[36] ?? 0);
}

/**
 * Reads how a process has ended that nobody has waited for yet.
 *
 * @param kernel The kernel's requests.
 * @param pid The process.
 * @returns The wait status; undefined if there is no such process.
 */
export function readEndStatus(kernel: Kernel, pid: number): number | undefined {
  const field = readStatFields(kernel, pid, pid)?.[49];
  return field === undefined ? undefined : Number(field);
}

/**
 * Reads where the heap of a process begins, or will begin.
 *
 * @param kernel The kernel's requests.
 * @param pid The process.
 * @returns The address; undefined if there is no such process, or it may not be known.
 */
export function readHeapStart(kernel: Kernel, pid: number): Address | undefined {
  const start = Number(readStatFields(kernel, pid, pid)?.[44] ?? 0);
  return start > 0 ? toAddress(start) : undefined;
}

/** The fields of stat behind the command name, which may itself hold blanks and parentheses: [0] is the state. */
function readStatFields(kernel: Kernel, pid: number, tid: number): string[] | undefined {
  const text = readText(kernel, `/proc/${pid}/task/${tid}/stat`);
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}

/**
 * Tells whether a thread is traced by us. The kernel names the tracing *thread*, which is not always the first one of
 * this process.
 *
 * @param kernel The kernel's requests.
 * @param tid The thread.
 * @returns Whether the calling thread traces it.
 */
export function isOurs(kernel: Kernel, tid: number): boolean {
  const ids = new Int32Array(7);
  kernel.call.ft_self(new Uint8Array(ids.buffer));
  return readStatus(kernel, tid)?.tracerPid === ids[5];
}

/**
 * Reads who a process descends from.
 *
 * @param kernel The kernel's requests.
 * @param pid The process.
 * @returns Its parent, that one's parent, and so on; the first process of its pid namespace is the last.
 */
export function readAncestors(kernel: Kernel, pid: number): number[] {
  const ancestors: number[] = [];
  for (let parent = readStatus(kernel, pid)?.ppid ?? 0; parent > 0; parent = readStatus(kernel, parent)?.ppid ?? 0) {
    ancestors.push(parent);
  }
  return ancestors;
}

/**
 * Lists the children of a process.
 *
 * @param kernel The kernel's requests.
 * @param pid The process.
 * @returns Their pids; none if the kernel does not tell (CONFIG_PROC_CHILDREN).
 */
export function listChildren(kernel: Kernel, pid: number): number[] {
  const texts = (listThreads(kernel, pid) ?? []).map((tid) =>
    readText(kernel, `/proc/${pid}/task/${tid}/children`) ?? ""
  );
  return texts.flatMap((text) => text.split(" ").filter((word) => word !== "").map(Number));
}

/**
 * Lists the threads of a process.
 *
 * @param kernel The kernel's requests.
 * @param pid The process.
 * @returns Thread ids in ascending order; undefined if there is no such process.
 */
export function listThreads(kernel: Kernel, pid: number): number[] | undefined {
  return listDirectory(kernel, `/proc/${pid}/task`)?.map(Number).sort((a, b) => a - b);
}

/**
 * Lists a directory.
 *
 * @param kernel The kernel's requests.
 * @param path The directory.
 * @returns The names; undefined if it cannot be read.
 */
export function listDirectory(kernel: Kernel, path: string): string[] | undefined {
  for (let size = 1 << 12; size <= 1 << 26; size *= 4) {
    const buffer = new Uint8Array(size);
    const length = kernel.call.ft_list_directory(cString(path), buffer, size);
    if (length >= 0) return splitStrings(buffer.subarray(0, length));
    if (length !== -28) return undefined;
  }
  return undefined;
}

/**
 * Splits NUL-terminated strings.
 *
 * @param bytes The strings, one behind another.
 * @returns The strings.
 */
export function splitStrings(bytes: Uint8Array): string[] {
  const strings = decoder.decode(bytes).split("\0");
  strings.pop();
  return strings;
}

/**
 * Reads the tracer's environment, which Deno would guard.
 *
 * @param kernel The kernel's requests.
 * @returns Entries of the form `NAME=value`.
 */
export function readEnvironment(kernel: Kernel): string[] {
  for (let size = 1 << 14; size <= 1 << 26; size *= 4) {
    const buffer = new Uint8Array(size);
    const length = kernel.call.ft_environment(buffer, size);
    if (length >= 0) return splitStrings(buffer.subarray(0, length));
  }
  return [];
}

/**
 * Reads the mappings of a process.
 *
 * @param kernel The kernel's requests.
 * @param pid The process.
 * @returns Mappings in ascending order; undefined if they cannot be read.
 */
export function readMappings(kernel: Kernel, pid: number): Mapping[] | undefined {
  const text = readText(kernel, `/proc/${pid}/maps`);
  if (text === undefined) return undefined;
  const mappings: Mapping[] = [];
  for (const line of text.split("\n")) {
    const parts = /^([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) (\S+ \d+) *(.*)$/.exec(line);
    if (!parts) continue;
    const [, start, end, permissions, offset, file, name] = parts as unknown as string[];
    // The vsyscall page is above 2^53: no address here, and nothing that could be traced.
    if (end!.length > 13) continue;
    const deleted = name!.endsWith(" (deleted)");
    mappings.push({
      start: toAddress(Number.parseInt(start!, 16)),
      end: toAddress(Number.parseInt(end!, 16)),
      permissions: permissions!,
      offset: Number.parseInt(offset!, 16),
      file: file!,
      path: unescape(deleted ? name!.slice(0, -" (deleted)".length) : name!),
      deleted,
    });
  }
  return mappings;
}

/** Undoes the only escape that the kernel makes in maps: a newline as \012. */
function unescape(path: string): string {
  return path.replaceAll("\\012", "\n");
}

/** `AT_HWCAP2` of the auxiliary vector: what the kernel lets programs use of the CPU. */
export const AT_HWCAP2 = 26;

/**
 * Reads the auxiliary vector of a process (getauxval(3)).
 *
 * @param kernel The kernel's requests.
 * @param pid The process.
 * @returns Its values by their keys; none if it is gone.
 */
export function readAuxiliary(kernel: Kernel, pid: number): Map<number, number> {
  const bytes = readBytes(kernel, `/proc/${pid}/auxv`) ?? new Uint8Array();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries = new Map<number, number>();
  for (let at = 0; at + 16 <= view.byteLength; at += 16) entries.set(getUint64(view, at), getUint64(view, at + 8));
  return entries;
}
