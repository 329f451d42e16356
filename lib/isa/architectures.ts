/**
 * The instruction sets that can be traced, by the `e_machine` of the traced program (elf(5)).
 *
 * @module
 */

import { DTraceError } from "../errors.ts";
import { AARCH64 } from "./aarch64/architecture.ts";
import type { Isa } from "./isa.ts";
import { X86_64 } from "./x86_64/architecture.ts";

const ARCHITECTURES: readonly Isa[] = [X86_64, AARCH64];

/** Names of other machines that Linux runs on, for the message. */
const OTHER_MACHINES: ReadonlyMap<number, string> = new Map([
  [3, "i386 (32-bit x86)"], // EM_386
  [8, "mips"], // EM_MIPS
  [20, "powerpc"], // EM_PPC
  [21, "powerpc64"], // EM_PPC64
  [22, "s390"], // EM_S390
  [40, "arm (32-bit)"], // EM_ARM
  [43, "sparc64"], // EM_SPARCV9
  [243, "riscv"], // EM_RISCV
  [258, "loongarch"], // EM_LOONGARCH
]);

/**
 * Finds an instruction set.
 *
 * @param machine The `e_machine` of the traced program's ELF header.
 * @returns The instruction set.
 * @throws {DTraceError} `D_PROC_GRAB` if it is not supported.
 */
export function isaOf(machine: number): Isa {
  const isa = ARCHITECTURES.find((candidate) => candidate.machine === machine);
  if (isa !== undefined) return isa;
  const name = OTHER_MACHINES.get(machine) ?? `machine ${machine}`;
  const supported = ARCHITECTURES.map((candidate) => candidate.name).join(" and ");
  throw new DTraceError("D_PROC_GRAB", `Cannot trace ${name} code: only ${supported} are supported`);
}
