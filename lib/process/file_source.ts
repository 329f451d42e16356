/**
 * Files that are read in ranges, through the C library: Deno guards files with more than `--allow-ffi`.
 *
 * Only regular files are opened, never a device or a pipe, which might block or have no end.
 *
 * @module
 */

import { cString, type Kernel } from "../../ffi/ffi.ts";
import { SystemError } from "../errors.ts";
import type { ByteSource } from "../object/byte_source.ts";
import { errnoName } from "../system_names.ts";

export const S_IFMT = 0o170000;
export const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
/** How many numbers `ft_stat` gives. */
const STAT_VALUES = 7;

/** A file, read in ranges. */
export class FileSource implements ByteSource, Disposable {
  /** See {@linkcode ByteSource.sizeBytes}. */
  readonly sizeBytes: number;
  readonly #kernel: Kernel;
  readonly #fd: number;

  private constructor(kernel: Kernel, fd: number, sizeBytes: number) {
    this.#kernel = kernel;
    this.#fd = fd;
    this.sizeBytes = sizeBytes;
  }

  /**
   * Opens a file that may be missing.
   *
   * @param kernel The kernel's requests.
   * @param path Its path.
   * @returns The file; undefined if it cannot be opened or is no regular file.
   */
  static open(kernel: Kernel, path: string): FileSource | undefined {
    const source = FileSource.#tryOpen(kernel, path);
    return typeof source === "string" ? undefined : source;
  }

  /**
   * Opens a file that has to be there.
   *
   * @param kernel The kernel's requests.
   * @param path Its path.
   * @returns The file.
   * @throws {SystemError} If it cannot be opened; `EISDIR` or `EINVAL` if it is no regular file.
   */
  static openOrThrow(kernel: Kernel, path: string): FileSource {
    const source = FileSource.#tryOpen(kernel, path);
    if (typeof source === "string") throw new SystemError(source, "open", `file "${path}"`);
    return source;
  }

  /** Opens a file; the name of the error number if that is not possible. */
  static #tryOpen(kernel: Kernel, path: string): FileSource | string {
    const values = new Float64Array(STAT_VALUES);
    const result = kernel.call.ft_stat(cString(path), new Uint8Array(values.buffer));
    if (result < 0) return errnoName(-result);
    if ((values[0]! & S_IFMT) !== S_IFREG) return (values[0]! & S_IFMT) === S_IFDIR ? "EISDIR" : "EINVAL";
    const fd = kernel.call.ft_open(cString(path), 0);
    return fd < 0 ? errnoName(-fd) : new FileSource(kernel, fd, values[1]!);
  }

  /** See {@linkcode ByteSource.read}. */
  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    const count = this.#kernel.call.ft_pread(this.#fd, offset, bytes, length);
    return bytes.subarray(0, Math.max(count, 0));
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#kernel.call.ft_close(this.#fd);
  }
}

/**
 * Asks for what stat(2) says of a file.
 *
 * @param kernel The kernel's requests.
 * @param path The file.
 * @returns The values as `ft_stat` gives them: mode, size, device, inode and more; undefined if there is no such file.
 */
export function statValues(kernel: Kernel, path: string): Float64Array | undefined {
  const values = new Float64Array(STAT_VALUES);
  return kernel.call.ft_stat(cString(path), new Uint8Array(values.buffer)) < 0 ? undefined : values;
}
