/**
 * iced-x86 as an oracle for the decoder: what it says of an instruction, in this project's terms, and how to write an
 * instruction with each value of the bits that only limit operands.
 */

import {
  Code,
  type Decoder,
  FlowControl,
  Instruction,
  Mnemonic,
  OpKind,
  Register,
  RegisterExt,
} from "npm:iced-x86@1.21.0";
import { toAddress } from "../../../lib/address.ts";
import type { Encoding, X86Instruction } from "../../../lib/isa/x86_64/instruction.ts";

/** The size of the cell that each instruction gets in a buffer. */
export const CELL_BYTES = 16;

/** The address that each instruction is decoded for. */
export const ADDRESS = toAddress(0x7f12_3456_7000);

/** The instruction that {@linkcode decodeIced} has decoded last. */
export const iced = new Instruction();

/** Decodes a cell with iced, into the shared instruction; returns its length, or 0 if there is none. */
export function decodeIced(decoder: Decoder, cell: number): number {
  decoder.position = cell * CELL_BYTES;
  decoder.ip = BigInt(ADDRESS);
  decoder.decodeOut(iced);
  return iced.code === Code.INVALID ? 0 : iced.length;
}

/** An opcode map: how it is introduced, its number, and the bytes of an escape. */
export type Page = readonly [encoding: Encoding, map: number, escape: readonly number[]];

/** How many variants {@linkcode encode} knows: W, R, vector length, vvvv, broadcast, mask. */
export const VARIANTS: Readonly<Record<Encoding, number>> = { legacy: 4, rex2: 0, vex: 12, xop: 12, evex: 32 };

/** Writes an instruction's bytes up to ModRM into `cell` and returns their number. */
export function encode(
  cell: Uint8Array,
  [encoding, map, escape]: Page,
  pp: number,
  opcode: number,
  variant: number,
): number {
  let at = 0;
  const w = variant & 1;
  if (encoding === "legacy") {
    if (pp !== 0) cell[at++] = [0, 0x66, 0xf3, 0xf2][pp] as number;
    if (variant !== 0) cell[at++] = 0x40 | w << 3 | (variant & 2) << 1;
    for (const byte of escape) cell[at++] = byte;
  } else if (encoding === "evex") {
    cell[at++] = 0x62;
    cell[at++] = 0xf0 | map;
    cell[at++] = w << 7 | 0x78 - ((variant & 2) << 2) | 4 | pp;
    cell[at++] = (variant >> 4) << 6 | (variant >> 2 & 1) << 4 | 8 | variant >> 3 & 1;
  } else {
    cell[at++] = encoding === "vex" ? 0xc4 : 0x8f;
    cell[at++] = 0xe0 | map;
    cell[at++] = w << 7 | 0x78 - ((variant >> 2) << 3) | (variant & 2) << 1 | pp;
  }
  cell[at++] = opcode;
  return at;
}

/** The mandatory prefix of an instruction, from its bytes. */
export function ppOf(instruction: X86Instruction, bytes: Uint8Array): number {
  const { encoding, opcodeOffset } = instruction;
  const last = (back: number): number => (bytes[opcodeOffset - back] as number) & 3;
  if (encoding === "vex" || encoding === "xop") return last(1);
  if (encoding === "evex") return last(2);
  const before = Array.from(bytes.subarray(0, opcodeOffset));
  const repeat = before.findLast((byte) => byte === 0xf2 || byte === 0xf3);
  return repeat === 0xf2 ? 3 : repeat === 0xf3 ? 2 : before.includes(0x66) ? 1 : 0;
}

/** Instructions that iced calls returns, but that only fault in user mode. */
const PRIVILEGED = new Set([Mnemonic.Rsm, Mnemonic.Skinit]);

/** The flow that this project gives to the instruction that iced has decoded. */
function expectedFlow(): string {
  switch (iced.flowControl) {
    case FlowControl.UnconditionalBranch:
      return "jump";
    case FlowControl.IndirectBranch:
      return iced.isJmpFarIndirect ? "other" : "indirect-jump";
    case FlowControl.ConditionalBranch:
      return "branch";
    case FlowControl.Return:
      return iced.mnemonic === Mnemonic.Ret ? "return" : PRIVILEGED.has(iced.mnemonic) ? "next" : "other";
    case FlowControl.Call:
      if (iced.mnemonic === Mnemonic.Call) return "call";
      if (iced.mnemonic === Mnemonic.Syscall) return "system-call";
      return iced.mnemonic === Mnemonic.Sysenter ? "other" : "next";
    case FlowControl.IndirectCall:
      return iced.isCallFarIndirect ? "other" : "indirect-call";
    case FlowControl.Interrupt:
    case FlowControl.XbeginXabortXend:
      return "other";
    default:
      return iced.mnemonic === Mnemonic.Enclu ? "other" : "next";
  }
}

/** The number of an address register, -1 if there is none; 16 and more for what a vector index has. */
function registerNumber(register: Register): number {
  return register === Register.None ? -1 : RegisterExt.number(register);
}

/** Base, index and scale of the memory operand as `[base, index, scale]`, with -1 for none. */
function addressRegisters({ modrm, sib, wrxb, vvvv, encoding }: X86Instruction, isVectorIndex: boolean): number[] {
  const mod = modrm >> 6;
  if (sib < 0) return [mod === 0 && (modrm & 7) === 5 ? -1 : modrm & 7 | (wrxb & 1) << 3, -1, 1];
  const base = mod === 0 && (sib & 7) === 5 ? -1 : sib & 7 | (wrxb & 1) << 3;
  const index = sib >> 3 & 7 | (wrxb & 2) << 2;
  if (index === 4 && !isVectorIndex) return [base, -1, 1];
  return [base, isVectorIndex && encoding === "evex" ? index | vvvv & 16 : index, 1 << (sib >> 6)];
}

/** Compares what both say of an instruction that both know; returns the differences. */
export function compareDetails(instruction: X86Instruction, decoder: Decoder): string[] {
  const differences: string[] = [];
  const check = (what: string, actual: unknown, expected: unknown): void => {
    if (actual !== expected) differences.push(`${what} ${actual}, not ${expected}`);
  };
  const { flow, target, displacement, displacementBytes, immediateBytes } = instruction;
  check("flow", flow, expectedFlow());
  const isDirect = flow === "jump" || flow === "branch" || flow === "call";
  check("target", target, isDirect ? Number(iced.nearBranchTarget) : undefined);
  const offsets = decoder.getConstantOffsets(iced);
  check(
    "displacementOffset",
    instruction.displacementOffset,
    offsets.hasDisplacement ? offsets.displacementOffset : -1,
  );
  check("displacementBytes", displacementBytes, offsets.displacementSize);
  // A register in the upper half of the last byte (VEX's /is4) is an immediate only here.
  const isRegister = immediateBytes === 1 && (instruction.encoding === "vex" || instruction.encoding === "xop") &&
    iced.opCount >= 4 && !offsets.hasImmediate;
  const immediateOffset = isRegister ? instruction.length - 1 : offsets.hasImmediate ? offsets.immediateOffset : -1;
  check("immediateOffset", instruction.immediateOffset, immediateOffset);
  check("immediateBytes", immediateBytes, isRegister ? 1 : offsets.immediateSize + offsets.immediateSize2);
  offsets.free();
  check("ripRelative", instruction.ripRelative, iced.isIpRelMemoryOperand);
  const hasMemory = [iced.op0Kind, iced.op1Kind, iced.op2Kind].includes(OpKind.Memory);
  if (instruction.ripRelative) {
    const eip = iced.memoryBase === Register.EIP;
    const address = ADDRESS + instruction.length + displacement;
    check("rip target", eip ? address % 2 ** 32 : address, Number(iced.ipRelMemoryAddress));
  } else if (hasMemory && instruction.modrm >= 0) {
    const [base, index, scale] = addressRegisters(instruction, RegisterExt.isVectorRegister(iced.memoryIndex));
    check("base", base, registerNumber(iced.memoryBase));
    check("index", index, registerNumber(iced.memoryIndex));
    if (index !== -1) check("scale", scale, iced.memoryIndexScale);
    if (instruction.encoding !== "evex" || displacementBytes !== 1) {
      check("displacement", BigInt.asIntN(32, BigInt(displacement)), BigInt.asIntN(32, iced.memoryDisplacement));
    }
  }
  return differences;
}
