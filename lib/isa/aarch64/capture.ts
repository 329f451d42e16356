/**
 * The part of a pad that copies strings and bytes into its record.
 *
 * *Problem.* As in `x86_64/capture.ts`: an argument may point anywhere, a read must not fault, and to ask the kernel each time
 * costs too much.
 *
 * *Method.* As there, too. All captures of a pad call one of two routines behind it, one that ends at a zero byte and one that
 * does not, with the source in x9, the destination in x10 and the end of that in x11:
 *
 * ```text
 *   page:   addresses that no program has, and the first page, are not read
 *           ldr w15, [alive]: without a tracer nothing is read; if it is distrusted: verify
 *           is the page at its number modulo 4096 among those of the area (x16) that could be read? else: verify
 *   ok:     copy up to the end of the page, of the string, or of what is wanted, by words of 8 bytes, then bytes
 *           with more to copy: page
 *   end:    ret
 *   verify: rt_sigprocmask(-1, the page, 0, 8), which copies 8 bytes from there before it sees that -1 is wrong
 *           EINVAL: note the page; ok    EFAULT: end
 * ```
 *
 * Behind the call x10 tells how much was copied. A read that faults leaves x9 and x10 as they were, and the tracer sends the
 * thread on to `end` ({@linkcode PadCode.readers}).
 *
 * *No flags* are changed: the signs of differences are tested, which have 64 bits and are exact.
 *
 * *Invariants.*
 * - Words never cross a page. Of a string the rest of its last word may follow it, but nothing behind the end of the
 *   destination.
 * - The system call changes x0, and the state of SVE, which is stored where there is one (`vector_state.ts`).
 * - x12 leads to the record, x16 to the area. What else is used has been saved.
 *
 * @module
 */

import { assert } from "../../errors.ts";
import { isOfArgument, type PlacedCapture, pointersOf } from "../captures.ts";
import type { CaptureMemory, ReadPoint } from "../jumps.ts";
import { appendSum, VALUE } from "./constant_code.ts";
import type { Labels } from "./labels.ts";
import type { SlotCode } from "./slot_code.ts";
import { appendLoad, appendRelease, appendStore, appendStreamingTest, STREAMING, VECTORS } from "./vector_state.ts";

/** The registers of the program that are saved beside others where memory is read. */
export const CHANGED: readonly number[] = [0, 1, 2, 3, 8, 9, 10, 11, 4, 30];
/** Where the routines find what is copied, where to, and the end of that. */
export const [SOURCE, DESTINATION, END] = [9, 10, 11] as const;
/** The registers of routines: a word; what is zero in it; the bytes that are left, or a page; bytes of 1; an address. */
const [WORD, ZEROS, LEFT, ONES, ADDRESS] = [0, 4, 13, 14, 15] as const;
const [RECORD, AREA, STACK] = [12, 16, 31] as const;

/** Where in a record the value of an argument is, in bytes. */
const VALUES_OFFSET = 16;
const PAGE_BITS = 12;
/** Addresses of programs have no more bits, whatever the kernel is (Documentation/arch/arm64/memory.rst). */
const ADDRESS_BITS = 52;
/** The bits of {@linkcode CaptureMemory.alive}. */
const [DIED_BIT, DISTRUSTED_BIT] = [30, 31] as const;
const RT_SIGPROCMASK = 135;
const EINVAL = 22;
/** From a word whose last byte was copied to behind its first one. */
const BACK_BYTES = -7;

const B = 0x1400_0000;
const BL = 0x9400_0000;
const RET = 0xd65f_03c0;
const CBZ = 0xb400_0000; // cbz xt, as the next one
const CBNZ = 0xb500_0000;
const CBZ_SHORT = 0x3400_0000; // cbz wt
const SIGN_CLEAR = 0xb6f8_0000; // tbz xt,#63
const SIGN_SET = 0xb7f8_0000; // tbnz xt,#63
const BIT_SET = 0x3700_0000; // tbnz wt,#bit
const LDR = 0xf940_0000; // ldr xt,[xn,#offset]
const STR = 0xf900_0000;
const STR_SHORT = 0xb900_0000; // str wt,[xn,#offset]
const LDR_SHORT = 0xb940_0000;
const LDR_NEXT = 0xf840_8400; // ldr xt,[xn],#8
const STR_NEXT = 0xf800_8400;
const LDRB_NEXT = 0x3840_1400; // ldrb wt,[xn],#1
const STRB_NEXT = 0x3800_1400;
const LSR = 0xd340_fc00; // lsr xd,xn,#count
const NEG = 0xcb00_03e0; // neg xd,xm
const SUB = 0xcb00_0000; // sub xd,xn,xm
const SUB_SHORT = 0x4b00_0000;
const ADD = 0x8b00_0000; // add xd,xn,xm,lsl #count
const ADD_LSR = 0x8b40_0000; // add xd,xn,xm,lsr #count
const ADD_CONSTANT_SHORT = 0x1100_0000; // add wd,wn,#value
const SUB_CONSTANT_SHORT = 0x5100_0000;
const AND_SIGN = 0x8a80_fc00; // and xd,xn,xm,asr #63
const BIC = 0x8a20_0000; // bic xd,xn,xm
const AND_LOW = 0x9240_0000; // and xd,xn,#(2 << ones) - 1
const AND_PAGE = 0x9274_cc00; // and xd,xn,#-4096
const OR_PAGE = 0xb274_cc00; // orr xd,xn,#-4096
const AND_TOPS = 0x9201_c000; // and xd,xn,#0x8080808080808080
const BYTES_OF_1 = 0xb200_c3e0; // mov xd,#0x0101010101010101
const RBIT = 0xdac0_0000;
const CLZ = 0xdac0_1000;
const MOVZ = 0xd280_0000; // mov xd,#value
const MINUS_1 = 0x9280_0000; // mov xd,#-1
const SVC = 0xd400_0001;

/** What a routine copies. */
type Routine = "string" | "bytes";

/** The reading of memory of the program by a pad. */
export class ReadCode {
  readonly #memory: CaptureMemory | undefined;
  readonly #labels: Labels;
  readonly #out: SlotCode;
  readonly #used = new Set<Routine>();

  /**
   * Makes it; nothing is written yet.
   *
   * @param memory What pads need to know that memory can be read; undefined only where nothing is read.
   * @param labels The labels of the pad.
   * @param out Receives the code.
   */
  constructor(memory: CaptureMemory | undefined, labels: Labels, out: SlotCode) {
    this.#memory = memory;
    this.#labels = labels;
    this.#out = out;
  }

  /**
   * Writes the copying of a string, bytes or a part of the stack.
   *
   * @param place What, and where in the record.
   * @param stackBytes How far the program's stack pointer is above ours, in bytes.
   */
  copy({ capture, offsetBytes, dataBytes, sizeBytes }: PlacedCapture, stackBytes: number): void {
    const out = this.#out;
    if (isOfArgument(capture)) {
      out.words(at(LDR, 8, VALUES_OFFSET + 8 * capture.argument) | SOURCE);
      for (const pointer of pointersOf(capture)) {
        appendSum(SOURCE, SOURCE, pointer, out);
        this.read(dataBytes - 8, 8);
        out.words(at(LDR, 8, dataBytes - 8) | SOURCE);
      }
      appendSum(SOURCE, SOURCE, capture.offsetBytes ?? 0, out);
    } else appendSum(SOURCE, STACK, stackBytes, out);
    this.#call(capture.kind === "string" ? "string" : "bytes", dataBytes, sizeBytes);
    out.words(SUB_SHORT | RECORD << 16 | DESTINATION << 5 | DESTINATION);
    out.words(SUB_CONSTANT_SHORT | dataBytes << 10 | DESTINATION << 5 | DESTINATION);
    out.words(at(STR_SHORT, 4, offsetBytes) | DESTINATION);
  }

  /**
   * Writes the copying of a value of a few bytes, which is 0 if it cannot be read. Its address is in x9.
   *
   * @param offsetBytes Where in the record it is to be.
   * @param sizeBytes Its size, from 1 to 8.
   */
  read(offsetBytes: number, sizeBytes: number): void {
    const out = this.#out;
    const clear = (at(STR, 8, offsetBytes) | STACK) >>> 0; // str xzr
    out.words(clear);
    this.#call("bytes", offsetBytes, sizeBytes);
    // What crosses into a page that is not there is not had in part.
    out.words(SUB | DESTINATION << 16 | END << 5 | VALUE, CBZ | 2 << 5 | VALUE, clear);
  }

  /**
   * Writes the routines that have been called.
   *
   * @returns The instructions that read memory of the program.
   */
  finish(): ReadPoint[] {
    return [...this.#used].flatMap((routine) => {
      assert(this.#memory !== undefined, "there is memory for what is read");
      return appendRoutine(routine, this.#memory, this.#labels, this.#out);
    });
  }

  /** Writes the call of a routine, from x9 to a place in the record. */
  #call(routine: Routine, offsetBytes: number, sizeBytes: number): void {
    appendSum(DESTINATION, RECORD, offsetBytes, this.#out);
    appendSum(END, DESTINATION, sizeBytes, this.#out);
    this.#labels.branch(BL, routine);
    this.#used.add(routine);
  }
}

/** A load or store of a part of the record. */
function at(word: number, sizeBytes: number, offsetBytes: number): number {
  return word | (offsetBytes / sizeBytes) << 10 | RECORD << 5;
}

/** Writes a routine. Returns the instructions in it that read memory of the program, or may find no stack. */
function appendRoutine(routine: Routine, memory: CaptureMemory, labels: Labels, out: SlotCode): ReadPoint[] {
  const isString = routine === "string";
  const name = (place: string) => `${routine} ${place}`;
  labels.mark(routine);
  if (isString) out.words(BYTES_OF_1 | ONES);
  labels.mark(name("page"));
  out.words(LSR | ADDRESS_BITS << 16 | SOURCE << 5 | LEFT);
  labels.branch(CBNZ | LEFT, name("end"));
  out.words(LSR | PAGE_BITS << 16 | SOURCE << 5 | LEFT);
  labels.branch(CBZ | LEFT, name("end"));
  out.load(ADDRESS, memory.alive);
  out.words(LDR_SHORT | ADDRESS << 5 | ADDRESS);
  labels.branch(BIT_SET | DIED_BIT << 19 | ADDRESS, name("end"));
  labels.branch(BIT_SET | DISTRUSTED_BIT << 19 | ADDRESS, name("verify"));
  appendPagePlace(memory, out);
  out.words(LDR | ADDRESS << 5 | VALUE, SUB | LEFT << 16 | VALUE << 5 | VALUE);
  labels.branch(CBNZ | VALUE, name("verify"));
  labels.mark(name("ok"));
  // The lesser one of what is left of the page and what is wanted.
  out.words(OR_PAGE | SOURCE << 5 | LEFT, NEG | LEFT << 16 | LEFT);
  out.words(SUB | DESTINATION << 16 | END << 5 | VALUE, SUB | LEFT << 16 | VALUE << 5 | VALUE);
  out.words(AND_SIGN | VALUE << 16 | VALUE << 5 | VALUE, ADD | VALUE << 16 | LEFT << 5 | LEFT);
  const readers = appendLoops(isString, name, labels, out);
  out.words(SUB | DESTINATION << 16 | END << 5 | VALUE);
  labels.branch(CBNZ | VALUE, name("page"));
  labels.mark(name("end"));
  const target = out.length;
  out.words(RET);
  const { stores, release } = appendVerification(memory, name, labels, out);
  if (isString) appendLastWord(name, labels, out);
  return [
    ...readers.map((offset) => ({ offset, target })),
    ...stores.map((offset) => ({ offset, target: release })),
  ];
}

/**
 * Writes the loops that copy as many bytes as are left of a page: words, and then bytes. They end behind themselves, a string's
 * at `nul` or `end`. Returns where memory of the program is read.
 */
function appendLoops(isString: boolean, name: (place: string) => string, labels: Labels, out: SlotCode): number[] {
  appendSum(LEFT, LEFT, -8, out);
  labels.branch(SIGN_SET | LEFT, name("tail"));
  labels.mark(name("word"));
  const word = out.length;
  out.words(LDR_NEXT | SOURCE << 5 | WORD, STR_NEXT | DESTINATION << 5 | WORD);
  if (isString) {
    out.words(SUB | ONES << 16 | WORD << 5 | ZEROS, BIC | WORD << 16 | ZEROS << 5 | ZEROS);
    out.words(AND_TOPS | ZEROS << 5 | ZEROS);
    labels.branch(CBNZ | ZEROS, name("nul"));
  }
  appendSum(LEFT, LEFT, -8, out);
  labels.branch(SIGN_CLEAR | LEFT, name("word"));
  labels.mark(name("tail"));
  appendSum(LEFT, LEFT, 8, out);
  labels.branch(CBZ | LEFT, name("more"));
  labels.mark(name("byte"));
  const byte = out.length;
  out.words(LDRB_NEXT | SOURCE << 5 | WORD, STRB_NEXT | DESTINATION << 5 | WORD);
  if (isString) labels.branch(CBZ_SHORT | WORD, name("end"));
  appendSum(LEFT, LEFT, -1, out);
  labels.branch(CBNZ | LEFT, name("byte"));
  labels.mark(name("more"));
  return [word, byte];
}

/** Writes into x15 where in the area the page is noted whose number is in x13. */
function appendPagePlace({ pagesOffset, pagesTotal }: CaptureMemory, out: SlotCode): void {
  out.words(AND_LOW | (Math.log2(pagesTotal) - 1) << 10 | LEFT << 5 | ADDRESS);
  out.words(ADD | ADDRESS << 16 | 3 << 10 | AREA << 5 | ADDRESS);
  appendSum(ADDRESS, ADDRESS, pagesOffset, out);
}

/** Asks the kernel whether the page of x9 can be read, and notes it if it can. Returns where the stack is written to. */
function appendVerification(
  memory: CaptureMemory,
  name: (place: string) => string,
  labels: Labels,
  out: SlotCode,
): { stores: readonly number[]; release: number } {
  const { cpuFlags = [] } = memory;
  const hasVectors = cpuFlags.includes(VECTORS);
  labels.mark(name("verify"));
  if (cpuFlags.includes(STREAMING)) labels.branch(appendStreamingTest(WORD, out), name("end"));
  const stores = hasVectors ? appendStore(out) : [];
  out.words(MINUS_1, AND_PAGE | SOURCE << 5 | 1, MOVZ | 2, MOVZ | 8 << 5 | 3, MOVZ | RT_SIGPROCMASK << 5 | 8, SVC);
  if (hasVectors) {
    appendLoad(out);
    appendRelease(out);
  }
  out.words(ADD_CONSTANT_SHORT | EINVAL << 10 | WORD << 5 | WORD);
  labels.branch(CBNZ | WORD, name("end"));
  out.words(LSR | PAGE_BITS << 16 | SOURCE << 5 | LEFT);
  appendPagePlace(memory, out);
  out.words(STR | ADDRESS << 5 | LEFT);
  labels.branch(B, name("ok"));
  const release = out.length;
  if (hasVectors) {
    appendRelease(out);
    out.words(RET);
  }
  return { stores, release };
}

/** Ends a string in the word that was copied last, of whose bytes the lowest that is zero has its highest bit set in x4. */
function appendLastWord(name: (place: string) => string, labels: Labels, out: SlotCode): void {
  labels.mark(name("nul"));
  out.words(RBIT | ZEROS << 5 | ZEROS, CLZ | ZEROS << 5 | ZEROS);
  appendSum(DESTINATION, DESTINATION, BACK_BYTES, out);
  out.words(ADD_LSR | ZEROS << 16 | 3 << 10 | DESTINATION << 5 | DESTINATION, RET);
}
