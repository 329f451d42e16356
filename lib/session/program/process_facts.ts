/**
 * What D's variables say of a process and a thread, from `/proc` (proc(5)).
 *
 * Names and arguments belong to a program and are read once for each; everything else is read when it is asked for. What
 * cannot be read is 0 or empty.
 *
 * @module
 */

import type { Kernel } from "../../../ffi/ffi.ts";
import type { NumberBuiltin, TextBuiltin } from "../../d/host.ts";
import { readBytes, readLink, readState, readStatus, readText } from "../../process/proc_files.ts";

/** As many bytes of its arguments as a process has in `pr_psargs`. */
const ARGUMENTS_BYTES = 80;
const MODEL_LP64 = 2;
/** What `pr_state` says for the letters of the kernel. */
const STATES: Readonly<Record<string, number>> = { S: 1, D: 1, R: 2, Z: 3, T: 4, t: 4, I: 5 };
const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);

/** Reads facts. */
export class ProcessFacts {
  readonly #kernel: Kernel;

  /**
   * Makes a reader.
   *
   * @param kernel The kernel's requests.
   */
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * Tells whether a process can be asked.
   *
   * @param pid The process.
   * @returns Whether it is there.
   */
  isThere(pid: number): boolean {
    return readStatus(this.#kernel, pid) !== undefined;
  }

  /**
   * Finds out a number.
   *
   * @param name Its name in D, other than those that the hit itself knows.
   * @param pid The process.
   * @param tid The thread.
   * @returns The number; 0 if it is not known.
   */
  number(name: NumberBuiltin, pid: number, tid: number): number {
    switch (name) {
      case "vtimestamp":
        return Number(readText(this.#kernel, `/proc/${pid}/task/${tid}/schedstat`)?.split(" ")[0] ?? 0);
      case "ppid":
      case "curpsinfo.pr_ppid":
        return readStatus(this.#kernel, pid)?.ppid ?? 0;
      case "uid":
      case "curpsinfo.pr_uid":
        return readStatus(this.#kernel, pid)?.uid[0] ?? 0;
      case "curpsinfo.pr_euid":
        return readStatus(this.#kernel, pid)?.uid[1] ?? 0;
      case "gid":
      case "curpsinfo.pr_gid":
        return readStatus(this.#kernel, pid)?.gid[0] ?? 0;
      case "curpsinfo.pr_egid":
        return readStatus(this.#kernel, pid)?.gid[1] ?? 0;
      case "curpsinfo.pr_pgid":
        return this.#stat(pid, 4);
      case "curpsinfo.pr_sid":
        return this.#stat(pid, 5);
      case "curpsinfo.pr_nlwp":
        return this.#stat(pid, 19);
      case "curpsinfo.pr_dmodel":
        return MODEL_LP64;
      case "curpsinfo.pr_argc":
        return readBytes(this.#kernel, `/proc/${pid}/cmdline`)?.filter((byte) => byte === 0).length ?? 0;
      case "curlwpsinfo.pr_state":
        return STATES[readState(this.#kernel, pid, tid) ?? ""] ?? 0;
      case "curlwpsinfo.pr_sname":
        return readState(this.#kernel, pid, tid)?.charCodeAt(0) ?? 0;
      case "curlwpsinfo.pr_pri":
        return this.#stat(pid, 17);
      default:
        return 0;
    }
  }

  /**
   * Finds out a string.
   *
   * @param name Its name in D.
   * @param pid The process.
   * @param tid The thread.
   * @returns Its bytes; none if it is not known.
   */
  text(name: TextBuiltin, pid: number, tid: number): Uint8Array {
    switch (name) {
      case "execname":
      case "curpsinfo.pr_fname":
        return this.#line(`/proc/${pid}/comm`);
      case "curlwpsinfo.pr_name":
        return this.#line(`/proc/${pid}/task/${tid}/comm`);
      case "curpsinfo.pr_psargs": {
        const bytes = readBytes(this.#kernel, `/proc/${pid}/cmdline`) ?? NOTHING;
        const end = bytes.at(-1) === 0 ? bytes.length - 1 : bytes.length;
        return bytes.slice(0, Math.min(end, ARGUMENTS_BYTES - 1)).map((byte) => byte === 0 ? 0x20 : byte);
      }
      case "cwd":
        return encoder.encode(readLink(this.#kernel, `/proc/${pid}/cwd`) ?? "");
      case "root":
        return encoder.encode(readLink(this.#kernel, `/proc/${pid}/root`) ?? "");
      case "zonename":
        return NOTHING;
    }
  }

  /** A field of `/proc/PID/stat`, counted from 0; the name in the second one may hold anything. */
  #stat(pid: number, field: number): number {
    const text = readText(this.#kernel, `/proc/${pid}/stat`) ?? "";
    return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[field - 2] ?? 0);
  }

  #line(path: string): Uint8Array {
    const bytes = readBytes(this.#kernel, path) ?? NOTHING;
    return bytes.at(-1) === 10 ? bytes.slice(0, -1) : bytes.slice();
  }
}
