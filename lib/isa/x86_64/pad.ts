/**
 * The contents of pads: what a hit does instead of stopping, and the displaced instructions.
 *
 * *Problem.* A pad runs in the program's threads, with all their registers, flags and the red zone in use, on whatever stack
 * there is, in any number of threads at once, and must leave no trace.
 *
 * *Method.*
 *
 * ```text
 *   areas:  .quad  address of the first CPU's area
 *  (left:   .quad  address of the function)
 *   quiet:  pop ...; lea 128(%rsp),%rsp; jmp copies
 *  (full:   lock incq counter(%rcx); jmp done)
 *   entry: (jcc taken; jmp copies; taken:)
 *           lea -128(%rsp),%rsp; (push target;) push %rcx; push %rax; push ...      below the red zone
 *           movabs $enabled,%rcx; mov (%rcx),%ecx; jrcxz quiet
 *           lahf; seto %al                                   the flags, but for DF, which nothing here changes
 *          (mov target(%rsp),%rcx; sub left(%rip),%rcx; cmp $size,%rcx; jb done)
 *           rdpid %rcx; and $mask,%ecx; shl $size,%rcx; add areas(%rip),%rcx
 *           what the action does
 *   done:   add $127,%al; sahf; pop ...; lea 128(%rsp),%rsp
 *   copies: the displaced instructions of the window; a jump back, or to the pad of the next site in the window
 * ```
 *
 * Counters and rings are those of the CPU, so that a locked instruction costs what it costs in the cache; it is locked
 * because a thread may be moved to another CPU in between. `lahf` and `seto` save what `pushf` would for a third of its
 * time.
 *
 * *A record* is reserved by moving the head of the ring, if the tail is far enough, and committed by writing its header. A
 * thread that is stopped in between holds back the records of its CPU that follow, no other thread. The time is read when the
 * head has been, and is that of the record only if nobody has moved the head since: so the ring is in order of time.
 *
 * *Captures* (`capture.ts`) are copied in between; what is in the further cells of a record is told by its header only, which has
 * the number of cells before anything is in them. A record whose thread has been killed is passed over as a whole.
 *
 * *Leaving a function.* A return probe on a branch or an indirect jump counts if control leaves the function. A branch is
 * tried first, with the flags as they are. The target of an indirect jump is pushed, by the same operand, and compared with
 * the function. The copies then perform the instruction in either case.
 *
 * *Before the site.* If the window begins before it, the copies of what is there and a jump over the data come first.
 *
 * *Invariants.*
 * - All pushes come before a register is changed. If one of them faults, because the stack ends there, the thread can be set
 *   back to the site; from then on it is *held* until the copies begin, and nothing that it does can block, or fault but where
 *   {@linkcode PadCode.readers} says so.
 * - The word `enabled` is tested first: in a child of fork(2) it is 0 (`MADV_WIPEONFORK`), and so it is without a tracer.
 *
 * @module
 */

import { type Address, toAddress } from "../../address.ts";
import { layOut, sizeOfValues } from "../captures.ts";
import type { JumpWindow, PadAction, PadCode, PadMemory, ReadPoint, RecordAction, RecordWriter } from "../jumps.ts";
import { appendCopy, type ReadCode } from "./capture.ts";
import { decode } from "./decode.ts";
import { appendDisplaced, pushCopy } from "./displace.ts";
import { PREFIX, type X86Instruction } from "./instruction.ts";
import { usesStackPointer } from "./operands.ts";
import { appendTally, pushedForTally } from "./pad_tally.ts";
import { appendValue, argumentValue, canRecord, mayFault, type SavedRegisters } from "./recorded_values.ts";
import { appendRegisters } from "./register_capture.ts";
import { FS_BASE, GENERAL } from "./registers.ts";
import { SlotCode } from "./slot_code.ts";
import { instructionsOf } from "./window.ts";

/** The size of the red zone below the stack pointer, in bytes (psABI 3.2.2). */
const RED_ZONE_BYTES = 128;
/** What an area's address, and what is pushed, takes, in bytes. */
const WORD_BYTES = 8;

const LEA_DOWN = [0x48, 0x8d, 0x64, 0x24, 0x80]; // lea -128(%rsp),%rsp
/**
 * The numbers of the registers that are pushed, in this order; the last word of records is for the flags, the last but one of
 * those with captures for the address of the area.
 */
const PUSHED = { count: [1, 0], record: [1, 0, 2, 3, 3], capture: [1, 0, 2, 3, 8, 9, 10, 11, 6, 7, 3, 3] };
/** The sizes of `lea bytes(%rsp),%rsp`, `lock incq` with a displacement, and `jmp rel32`, in bytes. */
const LEA_UP_BYTES = 8;
const COUNT_BYTES = 8;
const JUMP_BYTES = 5;
/** Where in a record its values begin, in bytes. */
const VALUES_OFFSET = 16;
/** Thread pointers differ above their lowest bits, and below the bits that would be lost by a word. */
const THREAD_SHIFT = 6;
/** `HWCAP2_FSGSBASE` (arch/x86/include/uapi/asm/hwcap2.h): programs may use rdfsbase. */
const HWCAP2_FSGSBASE = 2;

/** Prefixes with which an indirect jump and a push have the same operand. */
const OPERAND_PREFIXES = PREFIX.FS | PREFIX.GS | PREFIX.OTHER_SEGMENT;

/** How pads write records: the thread is told by its thread pointer. */
export const records: RecordWriter = {
  cpuFlags: ["fsgsbase", "constant_tsc", "nonstop_tsc"],
  capabilities: HWCAP2_FSGSBASE,
  clockSource: "tsc",
  threadRegister: FS_BASE,
  tellsCpu: true,
  threadNumber: (lo, hi) => ((lo >>> THREAD_SHIFT) | (hi << (32 - THREAD_SHIFT))) >>> 0,
  argument: argumentValue,
  canRecord,
  mayFault,
};

/** See `JumpInstaller.makePad` of `jumps.ts`. */
export function makePad(
  window: JumpWindow,
  pad: Address,
  memory: PadMemory,
  action: PadAction,
  keepsResume = true,
): PadCode | undefined {
  const instructions = instructionsOf(window);
  const siteIndex = window.siteOffset === 0 ? 0 : window.boundaries.indexOf(window.siteOffset) + 1;
  const site = instructions[siteIndex]!;
  const code = window.code.subarray(window.siteOffset);
  const left = site.flow === "indirect-jump" ? action.leaving : undefined;
  const pushed = pushedFor(action);
  const usesRax = action.kind !== "count";
  const stackBytes = RED_ZONE_BYTES + (left === undefined ? 0 : WORD_BYTES);
  const quietBytes = pushed.length + pushed.filter(isExtended).length + LEA_UP_BYTES + JUMP_BYTES;
  const fullBytes = action.kind === "record" ? COUNT_BYTES + JUMP_BYTES : 0;
  const dataBytes = WORD_BYTES * (left === undefined ? 1 : 2) + quietBytes + fullBytes;
  const entry = siteIndex === 0 ? dataBytes : 0;
  const out = new SlotCode(toAddress(pad - entry), keepsResume);
  const earlier = siteIndex === 0 ? [] : appendEarlier(window, instructions.slice(0, siteIndex), dataBytes, out);
  if (earlier === undefined) return undefined;
  const { address } = site;
  const data = out.length;
  out.resume(address, false, { isHeld: true });
  out.word(memory.areas);
  if (left !== undefined) out.word(left.address);
  const quiet = out.length;
  appendPops(pushed, stackBytes, out);
  const quietEnd = appendJump(out);
  const full = out.length;
  if (action.kind === "record") appendCount(action.counterOffset, out);
  const fullEnd = action.kind === "record" ? appendJump(out) : undefined;
  const begin = out.length;
  const notTaken = site.flow === "branch" && action.leaving !== undefined ? appendBranch(site, out) : undefined;
  if (!appendPushes(code, site, { withTarget: left !== undefined, pushed }, out)) return undefined;
  out.resume(address, false, { isHeld: true });
  out.bytes(0x48, 0xb9); // movabs $enabled,%rcx
  out.word(memory.enabled);
  out.bytes(0x8b, 0x09); // mov (%rcx),%ecx
  out.bytes(0xe3, quiet - (out.length + 2)); // jrcxz quiet
  out.bytes(0x9f, 0x0f, 0x90, 0xc0); // lahf; seto %al
  if (usesRax) out.bytes(0x48, 0x89, 0x04, 0x24); // mov %rax,(%rsp)
  const stays = left === undefined ? undefined : appendComparison(data, left.sizeBytes, pushed, out);
  appendArea(data, memory, out);
  const readers = action.kind === "record" ? appendRecord(memory, action, { full, pushed, stackBytes, site }, out) : [];
  if (action.kind === "tally") appendTally(action, savedRegisters({ pushed, stackBytes }), out);
  if (action.kind !== "record") appendCount(action.counterOffset, out);
  for (const end of [stays, fullEnd]) if (end !== undefined) out.patchHalf(end - 4, out.length - end);
  if (usesRax) out.bytes(0x48, 0x8b, 0x04, 0x24); // mov (%rsp),%rax
  out.bytes(0x04, 0x7f, 0x9e); // add $127,%al; sahf
  appendPops(pushed, stackBytes, out);
  for (const end of [quietEnd, notTaken]) if (end !== undefined) out.patchHalf(end - 4, out.length - end);
  const copies = appendCopies(window, instructions.slice(siteIndex), out);
  if (copies === undefined) return undefined;
  return { ...out.finish(), entry, begin, copies: [...earlier, ...copies], readers };
}

/** The numbers of the registers that a pad pushes, in order. */
function pushedFor(action: PadAction): readonly number[] {
  if (action.kind === "tally") return pushedForTally(action);
  return PUSHED[readsMemory(action) ? "capture" : action.kind];
}

/** Whether a pad reads memory of the program that need not be readable. */
function readsMemory(action: PadAction): boolean {
  if (action.kind !== "record") return false;
  const { captures = [], values } = action;
  return captures.some(({ kind }) => kind !== "registers") || (typeof values !== "string" && values.some(mayFault));
}

/** Whether a push or pop of a register has a prefix. */
function isExtended(register: number): boolean {
  return register >= 8;
}

/** Where on the stack a register was pushed. */
function slotOf(register: number, pushed: readonly number[]): number {
  return WORD_BYTES * (pushed.length - 1 - pushed.indexOf(register));
}

/** Writes a push or a pop, whose opcode for the first register is given. */
function appendStack(opcode: number, register: number, out: SlotCode): void {
  if (isExtended(register)) out.bytes(0x41);
  out.bytes(opcode | (register & 7));
}

/** Writes a jump whose target is not known yet. Returns the offset behind it. */
function appendJump(out: SlotCode): number {
  out.bytes(0xe9);
  out.half(0);
  return out.length;
}

/** Writes the copies of what is before the site, and a jump over the data. Returns where each begins. */
function appendEarlier(
  { address, code, siteOffset }: JumpWindow,
  instructions: readonly X86Instruction[],
  dataBytes: number,
  out: SlotCode,
): number[] | undefined {
  const copies: number[] = [];
  for (const instruction of instructions) {
    copies.push(out.length);
    const bytes = code.subarray(instruction.address - address);
    if (!appendDisplaced(instruction, bytes, out, { jumpsBack: false })) return undefined;
  }
  out.resume(toAddress(address + siteOffset), false);
  out.bytes(0xeb, dataBytes); // jmp begin
  return copies;
}

/** See `JumpInstaller.canTellLeaving` of `jumps.ts`. */
export function canTellLeaving(window: JumpWindow): boolean {
  const first = decode(window.code, window.siteOffset, toAddress(window.address + window.siteOffset))!;
  const { flow, map, opcode, prefixes } = first;
  // loop and jrcxz count and test a register.
  if (flow === "branch") return map === 1 || (opcode & 0xf0) === 0x70;
  return flow === "indirect-jump" && (prefixes & ~OPERAND_PREFIXES) === 0 && !usesStackPointer(first);
}

/** Has a thread that does not take a branch go on with the copies. Returns where the displacement of that jump ends. */
function appendBranch({ address, map, opcode }: X86Instruction, out: SlotCode): number {
  out.resume(address, false);
  out.bytes(map === 0 ? opcode : 0x70 | (opcode & 15), JUMP_BYTES); // over the jump
  out.resume(address, false);
  return appendJump(out);
}

/** Saves what is used, with the target of an indirect jump above it. Returns whether that can be done. */
function appendPushes(
  code: Uint8Array,
  first: X86Instruction,
  { withTarget, pushed }: { readonly withTarget: boolean; readonly pushed: readonly number[] },
  out: SlotCode,
): boolean {
  const { address } = first;
  let stackBytes = RED_ZONE_BYTES;
  out.resume(address, false);
  out.bytes(...LEA_DOWN);
  out.resume(address, false, { stackBytes });
  if (withTarget) {
    const copy = pushCopy(first, code, out.here);
    if (copy === undefined) return false;
    out.copy(copy);
    stackBytes += WORD_BYTES;
    out.resume(address, false, { stackBytes });
  }
  for (let index = 0; index < pushed.length; index++) {
    if (index > 0) out.resume(address, false, { stackBytes: stackBytes + WORD_BYTES * index });
    appendStack(0x50, pushed[index]!, out);
  }
  return true;
}

function appendPops(pushed: readonly number[], stackBytes: number, out: SlotCode): void {
  for (let index = pushed.length - 1; index >= 0; index--) appendStack(0x58, pushed[index]!, out);
  out.bytes(0x48, 0x8d, 0xa4, 0x24); // lea bytes(%rsp),%rsp
  out.half(stackBytes);
}

/** Skips what follows if the target that was pushed is inside of the function. Returns where the displacement ends. */
function appendComparison(data: number, sizeBytes: number, pushed: readonly number[], out: SlotCode): number {
  out.bytes(0x48, 0x8b, 0x4c, 0x24, WORD_BYTES * pushed.length); // mov target(%rsp),%rcx
  out.bytes(0x48, 0x2b, 0x0d); // sub left(%rip),%rcx
  out.half(data + WORD_BYTES - (out.length + 4));
  out.bytes(0x48, 0x81, 0xf9); // cmp $size,%rcx
  out.half(sizeBytes);
  out.bytes(0x0f, 0x82); // jb done
  out.half(0);
  return out.length;
}

/** Writes the address of the CPU's area into rcx. */
function appendArea(data: number, { areasTotal, areaBytes }: PadMemory, out: SlotCode): void {
  out.bytes(0xf3, 0x0f, 0xc7, 0xf9); // rdpid %rcx
  out.bytes(0x81, 0xe1); // and $mask,%ecx
  out.half(areasTotal - 1);
  out.bytes(0x48, 0xc1, 0xe1, Math.log2(areaBytes)); // shl $size,%rcx
  out.bytes(0x48, 0x03, 0x0d); // add areas(%rip),%rcx
  out.half(data - (out.length + 4));
}

/** Adds 1 to a counter of the area. */
function appendCount(counterOffset: number, out: SlotCode): void {
  out.bytes(0xf0, 0x48, 0xff, 0x81); // lock incq counter(%rcx)
  out.half(counterOffset);
}

/** Where the registers are that have been pushed; of one that was pushed again to make room, the first time counts. */
function savedRegisters({ pushed, stackBytes }: Pushed): SavedRegisters {
  const offsets = new Map(pushed.map((register) => [register, slotOf(register, pushed)]));
  return { offsets, stackBytes: stackBytes + WORD_BYTES * pushed.length };
}

/** What has been pushed, and how much else there is above it up to the stack pointer of the program, in bytes. */
interface Pushed {
  readonly pushed: readonly number[];
  readonly stackBytes: number;
}

/** Writes a record into the ring of the area, or goes to `full`. Returns the instructions that may fault. */
function appendRecord(
  { ring, captures }: PadMemory,
  action: RecordAction,
  { full, site: instruction, ...pushed }: Pushed & { readonly full: number; readonly site: X86Instruction },
  out: SlotCode,
): readonly ReadPoint[] {
  const { site, values } = action;
  const { cells, places } = layOut(action.captures ?? [], WORD_BYTES * (GENERAL.length + 2), sizeOfValues(values));
  const areaSlot = WORD_BYTES;
  if (readsMemory(action)) out.bytes(0x48, 0x89, 0x4c, 0x24, areaSlot); // mov %rcx,area(%rsp)
  const retry = out.length;
  // The tail first: it must not be seen in front of the head.
  out.bytes(0x8b, 0x81); // mov tail(%rcx),%eax
  out.half(ring.tailOffset);
  out.bytes(0x8b, 0x99); // mov head(%rcx),%ebx
  out.half(ring.headOffset);
  out.bytes(0xf7, 0xd8, 0x01, 0xd8); // neg %eax; add %ebx,%eax
  out.bytes(0x3d); // cmp $limit,%eax
  out.half(ring.cellsTotal - cells);
  out.bytes(0x0f, 0x87); // ja full
  out.half(full - (out.length + 4));
  // A program can forbid it.
  const clock = { offset: out.length, target: full };
  out.bytes(0x0f, 0x31, 0x48, 0xc1, 0xe2, 32, 0x48, 0x09, 0xc2); // rdtsc; shl $32,%rdx; or %rax,%rdx
  out.bytes(0x89, 0xd8, 0x8d, 0x5b, cells); // mov %ebx,%eax; lea cells(%rbx),%ebx
  out.bytes(0xf0, 0x0f, 0xb1, 0x99); // lock cmpxchg %ebx,head(%rcx)
  out.half(ring.headOffset);
  out.bytes(0x75, retry - (out.length + 2)); // jne retry
  out.bytes(0x25); // and $mask,%eax
  out.half(ring.cellsTotal - 1);
  out.bytes(0x48, 0xc1, 0xe0, 6); // shl $6,%rax
  out.bytes(0x48, 0x8d, 0x9c, 0x01); // lea cells(%rcx,%rax),%rbx
  out.half(ring.cellsOffset);
  if (cells > 1) appendHeader(cells, 0, out);
  out.bytes(0x48, 0x89, 0x53, 8); // mov %rdx,8(%rbx)
  const readers = [clock, ...appendValues(values, pushed, { memory: captures, areaSlot }, out)];
  out.bytes(0xf3, 0x48, 0x0f, 0xae, 0xc0); // rdfsbase %rax
  out.bytes(0x48, 0xc1, 0xe8, THREAD_SHIFT, 0x89, 0x43, 4); // shr $6,%rax; mov %eax,4(%rbx)
  // A return has happened when its probes fire.
  const poppedBytes = values === "results" && instruction.flow === "return"
    ? WORD_BYTES + (instruction.immediate & 0xffff)
    : 0;
  const registers = savedRegisters(pushed);
  const read = { memory: captures, areaSlot };
  for (const place of places) {
    if (place.capture.kind !== "registers") {
      readers.push(...appendCopy(place, registers.stackBytes + poppedBytes, read, out));
    } else appendRegisters(place, { registers, site: instruction.address, poppedBytes, read }, out);
  }
  appendHeader(cells, site, out);
  return readers;
}

function appendHeader(cells: number, site: number, out: SlotCode): void {
  out.bytes(0xc7, 0x03); // movl $header,(%rbx)
  out.half((cells << 24) | site);
}

/** Writes the values. Returns the instructions that read the program's memory. */
function appendValues(
  values: RecordAction["values"],
  saved: Pushed,
  read: ReadCode,
  out: SlotCode,
): ReadPoint[] {
  const { pushed } = saved;
  if (values === "arguments") {
    out.bytes(0x48, 0x89, 0x7b, 16, 0x48, 0x89, 0x73, 24); // mov %rdi,16(%rbx); mov %rsi,24(%rbx)
    out.bytes(0x48, 0x8b, 0x44, 0x24, slotOf(2, pushed), 0x48, 0x89, 0x43, 32); // rdx, as it was pushed
    out.bytes(0x48, 0x8b, 0x44, 0x24, slotOf(1, pushed), 0x48, 0x89, 0x43, 40); // rcx
    out.bytes(0x4c, 0x89, 0x43, 48, 0x4c, 0x89, 0x4b, 56); // mov %r8,48(%rbx); mov %r9,56(%rbx)
    return [];
  }
  if (values === "results") {
    out.bytes(0x48, 0x8b, 0x44, 0x24, slotOf(0, pushed), 0x48, 0x89, 0x43, 16); // rax
    out.bytes(0x48, 0x8b, 0x44, 0x24, slotOf(2, pushed), 0x48, 0x89, 0x43, 24); // rdx
    return [];
  }
  const registers = savedRegisters(saved);
  return values.flatMap((value, index) =>
    appendValue(value, VALUES_OFFSET + WORD_BYTES * index, { registers, read }, out)
  );
}

/** Writes the displaced instructions up to the next site. Returns where each begins; undefined if one cannot be displaced. */
function appendCopies(
  { code, address, inside }: JumpWindow,
  instructions: readonly X86Instruction[],
  out: SlotCode,
): number[] | undefined {
  const copies: number[] = [];
  const end = inside?.offset ?? Infinity;
  for (let index = 0; index < instructions.length; index++) {
    const instruction = instructions[index]!;
    const offset = instruction.address - address;
    // Padding that is a trap stays the program's own, where it is.
    if (offset >= end || (index > 0 && instruction.refusal !== undefined)) {
      copies.push(-1);
      continue;
    }
    copies.push(out.length);
    const next = instructions[index + 1];
    const entry = offset + instruction.length === end ? inside?.entry : undefined;
    const jumpsBack = next === undefined || next.refusal !== undefined || entry !== undefined;
    if (!appendDisplaced(instruction, code.subarray(offset), out, { jumpsBack, entry })) return undefined;
  }
  return copies;
}
