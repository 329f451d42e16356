/**
 * The contents of pads that write records.
 *
 * *Problem.* As that of all pads (`pad.ts`); and a record needs room, a time and the thread, in rings that are in order of time
 * whoever writes into them.
 *
 * *Method.*
 *
 * ```text
 *   entry:  stp x16, x17, [sp, #-48]!; stp x14, x15, [sp, #16]; stp x12, x13, [sp, #32]
 *           ldr x16, =enabled; ldr w16, [x16]; cbz w16, done
 *           mrs x14, tpidr_el0; lsr x14, x14, #4
 *           ldr x16, =areas; x16 += (w14 * constant >> 32 - areas) << size
 *   retry:  ldar w13, tail(x16); ldr w12, head(x16)
 *           if w12 - w13 > limit: full
 *           isb; mrs x13, cntvct_el0
 *           w17 = w12 + cells; cas w12, w17, head(x16); if w12 was another: retry
 *           x12 = the cell; its time is x13, its thread w14; then the values
 *           stlr header, [x12]; b done
 *          (the routines of `capture.ts`)
 *   full:   mov x17, #1; stadd x17, counter(x16)
 *   done:   ldp ...
 *   copy:   the displaced instruction; a branch back; constants
 * ```
 *
 * *The ring* is that of the thread, by a product of its thread pointer (Fibonacci hashing): user code cannot know its CPU, and
 * where a C library keeps it (`rseq`) is not the same in all programs. Stacks lie apart by powers of two, or nearly; the upper
 * bits of the product differ nevertheless. So a thread always writes into the same ring, and several threads may into one.
 *
 * *Time* is the virtual counter, which all CPUs share (Arm ARM, D12.1.2). The processor may read it early: `isb` behind the
 * branch that depends on the head keeps it behind that, and an address that depends on the time keeps it before the `cas`. So
 * who finds the head moved reads a later time, or the same.
 *
 * *No flags* are changed, as bits are tested where differences would be compared, with 64 bits, so that they are exact.
 *
 * *Invariants.*
 * - All pushes come before a register is changed. If one of them faults, because the stack ends there, the thread can be set
 *   back to the site; from then on it is *held* until the copy begins, and nothing that it does can block, or fault but where
 *   {@linkcode PadCode.readers} says so.
 * - x12 to x17 are the program's on the stack, and what else is used where memory is read; all others are in place.
 *
 * @module
 */

import type { Address } from "../../address.ts";
import { assert } from "../../errors.ts";
import { layOut, sizeOfValues } from "../captures.ts";
import type { JumpWindow, PadCode, PadMemory, RecordAction, RecordWriter } from "../jumps.ts";
import { ReadCode } from "./capture.ts";
import { appendConstant, appendSum, VALUE } from "./constant_code.ts";
import { appendDisplaced } from "./displace.ts";
import { Labels } from "./labels.ts";
import { appendBranchTest, appendTargetTest } from "./leaving.ts";
import { appendValues, argumentValue, canRecord, mayFault, RECORD, type ValueCode } from "./recorded_values.ts";
import { appendRegisters } from "./register_capture.ts";
import { REGISTERS_BYTES } from "./registers.ts";
import { appendPops, appendPushes, SAVED, sizeOfSaved } from "./saved_registers.ts";
import { SlotCode } from "./slot_code.ts";
import { instructionOf } from "./window.ts";

/** `NT_ARM_TLS` (elf.h): the thread pointer. */
const NT_ARM_TLS = 0x401;
/** Thread pointers are multiples of this, and differ below the bits that would be lost by a word. */
const THREAD_SHIFT = 4;
/** 2^32 by the golden ratio: what differs in any bits differs in the upper ones of the product. */
const SPREAD = 0x9e37_79b9;

/** The registers: what `cas` compares, then the record; the tail, then the time; the thread; an address; the area. */
const [HEAD, TIME, THREAD, ADDRESS, AREA] = [RECORD, 13, 14, 15, 16];
/** Where in a record thread and time are, in bytes. */
const THREAD_OFFSET = 4;
const TIME_OFFSET = 8;

const LOAD_ENABLED = 0xb940_0210; // ldr w16,[x16]
const CBZ = 0x3400_0000;
const CBNZ = 0x3500_0000;
const B = 0x1400_0000;
const SIGN_SET = 0xb7f8_0000; // tbnz xt,#63
const THREAD_POINTER = 0xd53b_d040; // mrs xt,tpidr_el0
const COUNTER = 0xd53b_e040; // mrs xt,cntvct_el0
const ISB = 0xd503_3fdf;
const LDAR = 0x88df_fc00; // of 32 bits, as the next four
const STLR = 0x889f_fc00;
const LDR = 0xb940_0000;
const STR = 0xb900_0000;
const CAS = 0x88a0_7c00;
const STR_LONG = 0xf900_0000;
const STADD = 0xf820_001f;
const MOVZ = 0x5280_0000;
const LSR = 0x5300_7c00;
const LSR_LONG = 0xd340_fc00;
const MUL = 0x1b00_7c00;
const ADD = 0x1100_0000; // add wd,wn,#value
const ADD_LONG = 0x8b00_0000; // add xd,xn,xm,lsl #shift
const SUB = 0x4b00_0000;
const SUB_LONG = 0xcb00_0000;
const EOR = 0x4a00_0000;
const EOR_LONG = 0xca00_0000;
const UBFIZ = 0xd340_0000;

/** How pads write records: the thread is told by its thread pointer. */
export const records: RecordWriter = {
  cpuFlags: [],
  capabilities: 0,
  clockSource: "arch_sys_counter",
  threadSet: { note: NT_ARM_TLS, sizeBytes: 8 },
  threadRegister: 0,
  tellsCpu: false,
  threadNumber: (lo, hi) => ((lo >>> THREAD_SHIFT) | (hi << (32 - THREAD_SHIFT))) >>> 0,
  argument: argumentValue,
  canRecord,
  mayFault,
};

/**
 * Makes the contents of a pad that writes records.
 *
 * @param window The window.
 * @param pad Where it is to be.
 * @param memory What it shares with the tracer.
 * @param action What it records.
 * @returns The contents; undefined if the instruction cannot be displaced.
 */
export function makeRecordPad(
  window: JumpWindow,
  pad: Address,
  memory: PadMemory,
  action: RecordAction,
): PadCode | undefined {
  const { address } = window;
  const out = new SlotCode(pad);
  const labels = new Labels(out);
  const code = {
    saved: readsMemory(action) ? SAVED.reading : SAVED.record,
    read: new ReadCode(memory.captures, labels, out),
  };
  appendBranchTest(window, action, labels, out);
  appendPushes(address, code.saved, out);
  out.resume(address, false, { isHeld: true });
  out.load(AREA, memory.enabled);
  out.words(LOAD_ENABLED);
  labels.branch(CBZ | AREA, "done");
  appendTargetTest(window, action, { saved: code.saved, labels, quiet: "done" }, out);
  appendRing(memory, out);
  appendRecord(memory, action, { address, labels, code }, out);
  labels.branch(B, "done");
  const readers = code.read.finish();
  labels.mark("full");
  appendSum(ADDRESS, AREA, action.counterOffset, out);
  out.words(MOVZ | 1 << 5 | VALUE, STADD | VALUE << 16 | ADDRESS << 5);
  labels.mark("done");
  appendPops(code.saved, out);
  labels.mark("copy");
  labels.finish();
  const copy = out.length;
  if (!appendDisplaced(instructionOf(window), out)) return undefined;
  return { ...out.finish(), entry: 0, begin: 0, copies: [copy], readers };
}

/** Whether a pad reads memory of the program that need not be readable. */
function readsMemory({ captures = [], values }: RecordAction): boolean {
  return captures.some(({ kind }) => kind !== "registers") || (typeof values !== "string" && values.some(mayFault));
}

/** Writes the number of the thread into its register, and the address of its area. */
function appendRing({ areas, areasTotal, areaBytes }: PadMemory, out: SlotCode): void {
  const bits = Math.log2(areasTotal);
  out.words(THREAD_POINTER | THREAD, LSR_LONG | THREAD_SHIFT << 16 | THREAD << 5 | THREAD);
  out.load(AREA, areas);
  if (bits === 0) return;
  appendConstant(VALUE, SPREAD, out);
  out.words(MUL | VALUE << 16 | THREAD << 5 | VALUE, LSR | (32 - bits) << 16 | VALUE << 5 | VALUE);
  out.words(ADD_LONG | VALUE << 16 | Math.log2(areaBytes) << 10 | AREA << 5 | AREA);
}

/** What a record is written with, beside its ring. */
interface RecordCode {
  /** The site. */
  readonly address: Address;
  readonly labels: Labels;
  readonly code: ValueCode;
}

/** Writes a record into the ring of the area, or goes to `full`. */
function appendRecord(
  { ring }: PadMemory,
  action: RecordAction,
  { address, labels, code }: RecordCode,
  out: SlotCode,
): void {
  const { site, values, captures = [] } = action;
  const { cells, places } = layOut(captures, REGISTERS_BYTES, sizeOfValues(values));
  assert(ring.cellsTotal - cells < 1 << 16, "the number of cells is a short constant");
  labels.mark("retry");
  // The tail first: it must not be seen in front of the head.
  appendSum(ADDRESS, AREA, ring.tailOffset, out);
  out.words(LDAR | ADDRESS << 5 | TIME);
  appendSum(ADDRESS, AREA, ring.headOffset, out);
  out.words(LDR | ADDRESS << 5 | HEAD);
  out.words(SUB | TIME << 16 | HEAD << 5 | TIME, MOVZ | (ring.cellsTotal - cells) << 5 | VALUE);
  out.words(SUB_LONG | TIME << 16 | VALUE << 5 | TIME);
  labels.branch(SIGN_SET | TIME, "full");
  out.words(ISB, COUNTER | TIME);
  out.words(EOR_LONG | TIME << 16 | TIME << 5 | VALUE, ADD_LONG | VALUE << 16 | ADDRESS << 5 | ADDRESS);
  out.words(ADD | cells << 10 | HEAD << 5 | VALUE, CAS | HEAD << 16 | ADDRESS << 5 | VALUE);
  out.words(ADD | cells << 10 | HEAD << 5 | ADDRESS, EOR | VALUE << 16 | ADDRESS << 5 | ADDRESS);
  labels.branch(CBNZ | ADDRESS, "retry");
  // ubfiz x12,x12,#6,#bits
  out.words(UBFIZ | 58 << 16 | (Math.log2(ring.cellsTotal) - 1) << 10 | HEAD << 5 | RECORD);
  appendSum(ADDRESS, AREA, ring.cellsOffset, out);
  out.words(ADD_LONG | ADDRESS << 16 | RECORD << 5 | RECORD);
  if (cells > 1) {
    appendConstant(VALUE, cells << 24, out);
    out.words(STR | RECORD << 5 | VALUE);
  }
  out.words(STR | (THREAD_OFFSET / 4) << 10 | RECORD << 5 | THREAD);
  out.words(STR_LONG | (TIME_OFFSET / 8) << 10 | RECORD << 5 | TIME);
  appendValues(values, code, out);
  for (const place of places) {
    if (place.capture.kind === "registers") appendRegisters(place, address, code, out);
    else code.read.copy(place, sizeOfSaved(code.saved));
  }
  appendConstant(VALUE, (cells << 24) | site, out);
  out.words(STLR | RECORD << 5 | VALUE);
}
