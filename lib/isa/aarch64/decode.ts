/**
 * The A64 instruction decoder.
 *
 * *Problem.* To put a tracepoint on any instruction, one must know of every word whether it is an instruction, where it
 * leads, and what it takes from the pc. What else it computes does not matter.
 *
 * *Method.* Bits 28 to 25 tell the group (Arm ARM, C4.1):
 *
 * | bits 28:25 | group | here |
 * | --- | --- | --- |
 * | `0000` | reserved; SME if bit 31 is set | only SME exists |
 * | `0001`, `0011` | unallocated | none exists |
 * | `0010` | SVE | plain |
 * | `100x` | data processing with an immediate | `adr`, `adrp`; the others are plain |
 * | `101x` | branches, exceptions, system | looked at one by one |
 * | `x1x0` | loads and stores | literals, exclusives; the others are plain |
 * | `x101` | data processing with registers | plain, but for those that sign with the pc |
 * | `x111` | floating point and vectors | plain |
 *
 * Within the plain groups every word is taken for an instruction, although some are not allocated: they raise SIGILL in
 * their place, in a copy, or as data that nobody executes. In the group of branches nothing exists that is not listed.
 *
 * *Refusals.* A debugger owns the instruction (`brk`, `hlt`); it is never executed (`udf`); its effect includes its own
 * address in a way that cannot be copied (`retaasppc`, `paciasppc`); a trap would change what it does (`tstart`); or it
 * is an exclusive access: a trap between the two of a pair takes the reservation away, so that the store fails, and the
 * loop around them never ends. {@linkcode contextRefusal} says the same of what stands between the two.
 *
 * *Invariants.* No byte at or behind the end of the array is read. Nothing is thrown. All results have the same hidden
 * class.
 *
 * @module
 */

import { type Address, isAddress } from "../../address.ts";
import type { Flow } from "../isa.ts";
import { type A64Instruction, INSTRUCTION_BYTES, type Kind, signedField } from "./instruction.ts";

/** An instruction that is being decoded. */
type Draft = { -readonly [Field in keyof A64Instruction]: A64Instruction[Field] };

/** How far an exclusive load and its store are apart at most, in instructions (arch/arm64/kernel/probes). */
const SEQUENCE_INSTRUCTIONS = 32;

const EXCLUSIVE = "it is an exclusive access, which a trap would make fail for ever";
const BETWEEN = "it stands between exclusive accesses, which a trap would make fail for ever";
const SIGNS = "it signs with its own address";
const PRIVILEGED = "only the kernel can use it";

/**
 * Decodes one instruction.
 *
 * @param code Bytes that hold it; those behind it do not matter.
 * @param offset Where in `code` it begins, a non-negative integer.
 * @param address Its address in the target.
 * @returns The instruction; undefined if the bytes are none, or end before it does, or the address is no multiple of 4.
 */
export function decode(code: Uint8Array, offset: number, address: Address): A64Instruction | undefined {
  if (offset + INSTRUCTION_BYTES > code.length || address % INSTRUCTION_BYTES !== 0) return undefined;
  const word = wordAt(code, offset);
  const draft: Draft = {
    address,
    length: INSTRUCTION_BYTES,
    flow: "next",
    target: undefined,
    refusal: undefined,
    literal: undefined,
    word,
    kind: "plain",
    operand: 0,
  };
  return classify(draft, word) ? draft : undefined;
}

/**
 * Tells why no probe can be on an instruction because of those around it.
 *
 * @param code Bytes that hold it and, as far as they can be read, {@linkcode CONTEXT_BYTES} before and behind it.
 * @param offset Where in `code` it begins.
 * @returns The reason, as the end of a sentence; undefined if there is none.
 */
export function contextRefusal(code: Uint8Array, offset: number): string | undefined {
  return isLoad(nearestExclusive(code, offset, -1)) && isStore(nearestExclusive(code, offset, 1)) ? BETWEEN : undefined;
}

/** How many bytes before and behind an instruction matter to it. */
export const CONTEXT_BYTES = SEQUENCE_INSTRUCTIONS * INSTRUCTION_BYTES;

/** The nearest exclusive access, or `clrex`, before or behind an instruction; 0 if there is none. */
function nearestExclusive(code: Uint8Array, offset: number, direction: -1 | 1): number {
  const step = direction * INSTRUCTION_BYTES;
  let at = offset + step;
  for (let count = 0; count < SEQUENCE_INSTRUCTIONS && at >= 0 && at + INSTRUCTION_BYTES <= code.length; count++) {
    const word = wordAt(code, at);
    if (isExclusive(word) || isClear(word)) return word;
    at += step;
  }
  return 0;
}

/** Whether an exclusive access loads. */
function isLoad(word: number): boolean {
  return word !== 0 && !isClear(word) && (word & 0x0040_0000) !== 0;
}

function isStore(word: number): boolean {
  return word !== 0 && !isClear(word) && (word & 0x0040_0000) === 0;
}

/** `clrex` */
function isClear(word: number): boolean {
  return (word & 0xffff_f0ff) >>> 0 === 0xd503_305f;
}

/** `ldxr`, `stxr`, `ldxp`, `stxp`, with acquire and release or without; not `cas`, `casp`, `ldar`, `stlr`. */
function isExclusive(word: number): boolean {
  const isGroup = (word & 0x3e00_0000) === 0x0800_0000;
  return isGroup && (word & 0x0080_0000) === 0 && ((word & 0x0020_0000) === 0 || word >>> 31 === 1);
}

/** Sets what an instruction is; returns whether it is one. */
function classify(draft: Draft, word: number): boolean {
  switch ((word >>> 25) & 15) {
    case 0b0000:
      if (word >>> 16 === 0) return setOther(draft, "it is udf, which always fails");
      return word >>> 31 === 1;
    case 0b0001:
    case 0b0011:
      return false;
    case 0b1000:
    case 0b1001:
      return classifyImmediate(draft, word);
    case 0b1010:
    case 0b1011:
      return classifyBranch(draft, word);
    case 0b0100:
    case 0b0110:
    case 0b1100:
    case 0b1110:
      return classifyMemory(draft, word);
    case 0b0101:
    case 0b1101:
      if (signsWithPc(word)) draft.refusal = SIGNS;
      return true;
    default:
      return true;
  }
}

/** `adr` and `adrp`; among the others `autiasppc`. */
function classifyImmediate(draft: Draft, word: number): boolean {
  const { address } = draft;
  if ((word & 0x1f00_0000) === 0x1000_0000) {
    const distance = signedField(word, 5, 19) * 4 + ((word >>> 29) & 3);
    const isPage = word >>> 31 === 1;
    draft.kind = isPage ? "adrp" : "adr";
    draft.operand = isPage ? address - (address % 4096) + distance * 4096 : address + distance;
  } else if ((word & 0xffc0_001f) >>> 0 === 0xf380_001f) {
    draft.refusal = SIGNS;
  }
  return true;
}

/** `paciasppc`, `pacnbiasppc`, `autiasppcr` and those with the other key (Arm ARM, FEAT_PAuth_LR). */
function signsWithPc(word: number): boolean {
  const isTwoSource = (word & 0xffff_001f) >>> 0 === 0xdac1_001e;
  const opcode = (word >>> 10) & 63;
  return isTwoSource && [0x20, 0x21, 0x24, 0x25, 0x28, 0x29].includes(opcode);
}

function classifyMemory(draft: Draft, word: number): boolean {
  if ((word & 0x3b00_0000) === 0x1800_0000) return classifyLiteral(draft, word);
  if (isExclusive(word)) draft.refusal = EXCLUSIVE;
  return true;
}

/** `ldr` from near the pc: `opc V` say the size and the kind of the register. */
function classifyLiteral(draft: Draft, word: number): boolean {
  const size = word >>> 30;
  const isVector = (word & 0x0400_0000) !== 0;
  if (isVector && size === 3) return false;
  draft.kind = isVector ? "vector-literal" : size === 3 ? "prefetch-literal" : "literal";
  draft.operand = draft.address + signedField(word, 5, 19) * 4;
  if (draft.kind !== "prefetch-literal" && isAddress(draft.operand)) {
    draft.literal = { address: draft.operand, sizeBytes: isVector ? 4 << size : size === 1 ? 8 : 4 };
  }
  return true;
}

/** Branches, exceptions and system instructions (Arm ARM, C4.1.66). */
function classifyBranch(draft: Draft, word: number): boolean {
  if ((word & 0x7c00_0000) === 0x1400_0000) {
    const isCall = word >>> 31 === 1;
    return setDirect(draft, isCall ? "call" : "jump", isCall ? "bl" : "b", signedField(word, 0, 26));
  }
  if ((word & 0x7e00_0000) === 0x3400_0000) return setDirect(draft, "branch", "cbz", signedField(word, 5, 19));
  if ((word & 0x7e00_0000) === 0x3600_0000) return setDirect(draft, "branch", "tbz", signedField(word, 5, 14));
  switch (word >>> 24) {
    case 0x54:
      return setDirect(draft, "branch", "b.cond", signedField(word, 5, 19));
    case 0x55:
      return (word & 0x00c0_001f) === 0x1f && setOther(draft, SIGNS); // retaasppc
    case 0xd4:
      return classifyException(draft, word);
    case 0xd5:
      return classifySystem(draft, word);
    case 0xd6:
    case 0xd7:
      return classifyRegister(draft, word);
    default:
      return false;
  }
}

function classifyException(draft: Draft, word: number): boolean {
  switch ((word & 0x00e0_001f) >>> 0) {
    case 0x01:
      draft.kind = "svc";
      draft.flow = "system-call";
      return true;
    case 0x02:
    case 0x03:
      return setOther(draft, PRIVILEGED); // hvc, smc
    case 0x20_0000:
      return setOther(draft, "it is brk, which debuggers use");
    case 0x40_0000:
      return setOther(draft, "it is hlt, which debuggers use");
    case 0x60_0000:
      return setOther(draft, "it is tcancel, which ends a transaction");
    case 0xa0_0001:
    case 0xa0_0002:
    case 0xa0_0003:
      return setOther(draft, PRIVILEGED); // dcps
    default:
      return false;
  }
}

/** Hints, barriers, system registers and operations: all go on behind themselves. */
function classifySystem(draft: Draft, word: number): boolean {
  if ((word & 0x0080_0000) !== 0) return false;
  if ((word & 0xffff_ffe0) >>> 0 === 0xd523_3060) draft.refusal = "it is tstart, whose transaction a trap would abort";
  else if (isQuietHint(word)) draft.kind = "hint";
  return true;
}

/** Hints that do nothing that a program can tell: not those for pointer authentication, events, traces and pauses. */
function isQuietHint(word: number): boolean {
  if ((word & 0xffff_f01f) >>> 0 !== 0xd503_201f) return false;
  const number = (word >>> 5) & 127;
  return number <= 1 || number === 6 || isLandingPad(word);
}

/**
 * Tells whether an instruction is `bti`, where indirect branches may lead.
 *
 * @param word The instruction.
 * @returns Whether it is.
 */
export function isLandingPad(word: number): boolean {
  return (word & 0xffff_ff3f) >>> 0 === 0xd503_241f;
}

/** Branches to a register: `opc op2 op3 Rn op4` (Arm ARM, C4.1.66). */
function classifyRegister(draft: Draft, word: number): boolean {
  if (((word >>> 16) & 31) !== 31) return false;
  const operation = (word >>> 21) & 15;
  const authentication = (word >>> 10) & 63;
  const source = (word >>> 5) & 31;
  const modifier = word & 31;
  if (operation === 4 || operation === 5) {
    const exists = source === 31 &&
      (operation === 4 && authentication >= 2 && authentication <= 3
        ? modifier === 31
        : authentication === 0 && modifier === 0);
    return exists && setOther(draft, PRIVILEGED); // eret, drps
  }
  const isPlain = authentication === 0 && modifier === 0 && operation <= 2;
  if (!isPlain && authentication !== 2 && authentication !== 3) return false;
  if (!isPlain && operation === 2 && source === 31 && modifier !== 31) return setOther(draft, SIGNS); // retaasppcr
  const withZero = operation <= 1 && modifier === 31 || operation === 2 && source === 31 && modifier === 31;
  if (!isPlain && !withZero && operation !== 8 && operation !== 9) return false;
  draft.kind = isPlain ? "register" : "register-authenticated";
  draft.flow = operation === 2 ? "return" : (operation & 1) === 1 ? "indirect-call" : "indirect-jump";
  return true;
}

function setDirect(draft: Draft, flow: Flow, kind: Kind, distance: number): boolean {
  const target = draft.address + distance * INSTRUCTION_BYTES;
  draft.flow = flow;
  draft.kind = kind;
  draft.target = isAddress(target) ? target : undefined;
  return true;
}

function setOther(draft: Draft, refusal: string): boolean {
  draft.flow = "other";
  draft.refusal = refusal;
  return true;
}

function wordAt(code: Uint8Array, offset: number): number {
  return (code[offset]! | (code[offset + 1]! << 8) | (code[offset + 2]! << 16) | (code[offset + 3]! << 24)) >>> 0;
}
