/**
 * Opening the memory of a process whose instruction set is supported.
 *
 * @module
 */

import { cString, type Kernel } from "../../ffi/ffi.ts";
import { DTraceError } from "../errors.ts";
import { isaOf } from "../isa/architectures.ts";
import type { Isa } from "../isa/isa.ts";
import { ELFCLASS32, EM_X86_64 } from "../object/elf_constants.ts";
import { Image } from "./process.ts";
import { readMappings } from "./proc_files.ts";

/**
 * Opens the memory of a process.
 *
 * @param kernel The kernel's requests.
 * @param pid The process, which is traced.
 * @returns Its image.
 * @throws {DTraceError} `D_PROC_GRAB` if its instruction set is not supported.
 * @throws {SystemError} If its executable or its memory cannot be read.
 */
export function openImage(kernel: Kernel, pid: number): Image {
  return new Image(kernel, pid, isaOfProcess(kernel, pid), readLayout(kernel, pid));
}

/**
 * Tells what users must know before they trace a program.
 *
 * @param image Its image.
 * @returns A sentence; undefined if there is nothing.
 */
export function cautionOf({ isa: { caution, name }, pid }: Pick<Image, "isa" | "pid">): string | undefined {
  return caution === undefined ? undefined : `Process ${pid} runs ${name} code: ${caution}`;
}

/**
 * Reads what tells the memory of a process, and copies of it that fork has made, from any other's: where address space
 * layout randomization has put it.
 *
 * @param kernel The kernel's requests.
 * @param pid The process.
 * @returns Two addresses; empty if there is no such process.
 */
export function readLayout(kernel: Kernel, pid: number): string {
  const mappings = readMappings(kernel, pid) ?? [];
  const vdso = mappings.find(({ path }) => path === "[vdso]");
  // What we map ourselves may come first, but is no file.
  const first = mappings.find(({ path }) => path.startsWith("/"));
  return `${first?.start ?? ""} ${vdso?.start ?? ""}`;
}

/**
 * Finds the instruction set of a process from the header of its executable.
 *
 * @param kernel The kernel's requests.
 * @param pid The process.
 * @returns The instruction set.
 * @throws {DTraceError} `D_PROC_GRAB` if it is not supported.
 * @throws {SystemError} If the executable cannot be read.
 */
export function isaOfProcess(kernel: Kernel, pid: number): Isa {
  const subject = `the executable of process ${pid}`;
  const fd = kernel.check(kernel.call.ft_open(cString(`/proc/${pid}/exe`), 0), "open", subject);
  const header = new Uint8Array(20);
  const length = kernel.call.ft_pread(fd, 0, header, header.length);
  kernel.call.ft_close(fd);
  kernel.check(length < header.length ? Math.min(length, -1) : length, "read", subject);
  const machine = header[18]! | (header[19]! << 8);
  // 64-bit code in a 32-bit file is of the x32 convention.
  if (header[4] === ELFCLASS32 && machine === EM_X86_64) {
    throw new DTraceError("D_PROC_GRAB", `Cannot trace process ${pid}: it is an x32 program, which is not supported`);
  }
  return isaOf(machine);
}
