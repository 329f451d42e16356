/**
 * What is known of a hit when it is over: what was recorded of it, by a pad or while the thread was stopped.
 *
 * One object serves all records: it is put on each in turn, in the ring itself, so that a record costs no allocation. Who wants
 * to keep something copies it.
 *
 * @module
 */

import { type Address, fromHalves } from "../address.ts";
import { assert } from "../errors.ts";
import {
  type ArgumentCapture,
  type Capture,
  isOfArgument,
  isSame,
  type PlacedCapture,
  pointersOf,
  sizeOf,
} from "../isa/captures.ts";
import { extendWord, numberOfWord, type ValueType } from "../value_type.ts";
import type { Probe, ProbeIdentity } from "./probe.ts";
import { placeOf, type ValuePlaces } from "./recorded_values.ts";
import type { Tracepoint } from "./tracepoint.ts";

/** How many 64-bit values a record has. */
const VALUES = 6;
/** Where they begin in it, in 32-bit words. */
const VALUES_OFFSET = 4;

/** What is told of the CPU where nobody knows it. */
export const UNKNOWN_CPU = -1;

const decoder = new TextDecoder();
const NOTHING: readonly PlacedCapture[] = [];

/** What was recorded of a hit. Valid only until the consumer returns. */
export interface HitRecord {
  /** The probe that fires. */
  readonly probe: ProbeIdentity;
  /** The process whose thread it is; in a child that shares its parent's memory, the child. */
  readonly pid: number;
  /** The thread. */
  readonly tid: number;
  /**
   * The CPU on which the thread ran; of what a jump has recorded on aarch64, where programs cannot know it, -1. While the
   * thread is stopped, to ask for it costs some 10 us.
   */
  readonly cpu: number;
  /** When it happened, or the tracer saw the thread stop: CLOCK_MONOTONIC, in nanoseconds. */
  readonly timestampNs: number;
  /** The address of the instruction; at a return, of the instruction by which the function was left. */
  readonly pc: number;
  /** The value that the function returns, signed; meaningful in a `return` probe. */
  readonly returnValue: number;
  /**
   * How many arguments are worth a look: of a static probe as many as it has, at a return 2 (the offset and the value),
   * elsewhere 6, those that functions get in registers.
   */
  readonly argumentCount: number;
  /**
   * An argument of the function, as DTrace's `arg0` and so on: in an entry probe the integer and pointer arguments; in
   * a return probe 0 is the offset of the instruction that left the function, 1 and 2 the return value; in an offset
   * probe what is where the arguments were at entry; in a static probe what the program passes to it. Of a function a pad
   * records the six that are in registers, and the others as far as the stack is captured.
   *
   * @param index Which one, from 0.
   * @returns The value: signed, unless a static probe has another type for it; 0 if it cannot be read, or was not recorded.
   * @throws {RangeError} If the index is no integer from 0 to 255.
   */
  arg(index: number): number;
  /**
   * An argument as {@linkcode HitRecord.arg} gives it, exact.
   *
   * @param index Which one, from 0.
   * @returns The value; of a floating-point number the bits.
   * @throws {RangeError} If the index is no integer from 0 to 255.
   */
  argBigInt(index: number): bigint;
  /**
   * Reads an argument as two halves, without making a number of it.
   *
   * @param index Which one, from 0.
   * @param into Receives the low and the high half at index 0 and 1.
   * @throws {RangeError} If the index is no integer from 0 to 255.
   */
  readArg(index: number, into: Uint32Array): void;
  /**
   * Tells what was captured, as text: up to its NUL, as UTF-8.
   *
   * @param index Which of `EnableOptions.capture`, from 0.
   * @returns The text, of as many bytes as were wanted or could be read; undefined if not even the first one could.
   * @throws {RangeError} If there is no such capture.
   */
  string(index: number): string | undefined;
  /**
   * Reads a general register, as it is at the instruction; at a return as it is behind it.
   *
   * @param index Its place in the kernel's register set of the machine; on x86-64 that of `struct user_regs_struct`.
   * @param into Receives the low and the high half at index 0 and 1; zeros if there is no such register, or if it was not
   *   captured while the thread ran on.
   * @returns Whether it is known.
   */
  readRegister(index: number, into: Uint32Array): boolean;
  /**
   * Tells what was captured.
   *
   * @param index Which of `EnableOptions.capture`, from 0.
   * @returns As many bytes as were wanted or could be read, of a string without its NUL, of registers 8 for each; undefined if
   *   not even the first one could.
   * @throws {RangeError} If there is no such capture.
   */
  bytes(index: number): Uint8Array | undefined;
}

/** See the module's comment. */
export class RecordView implements HitRecord {
  readonly #word = new Uint32Array(2);
  readonly #floats = new DataView(this.#word.buffer);
  #words: Uint32Array = new Uint32Array();
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  #probe: Probe | undefined;
  #tracepoint: Tracepoint | undefined;
  #captured = NOTHING;
  #places: ValuePlaces | undefined;
  /** What the consumer that is being told wants to be captured. */
  captures: readonly Capture[] | undefined;
  /** See {@linkcode HitRecord.pid}. */
  pid = 0;
  /** See {@linkcode HitRecord.tid}. */
  tid = 0;
  /** See {@linkcode HitRecord.cpu}. */
  cpu = UNKNOWN_CPU;
  /** See {@linkcode HitRecord.timestampNs}. */
  timestampNs = 0;

  /** See {@linkcode HitRecord.probe}. */
  get probe(): Probe {
    assert(this.#probe !== undefined, "a record is used only while its consumer runs");
    return this.#probe;
  }

  /** See {@linkcode HitRecord.pc}. */
  get pc(): Address {
    return this.#tracepoint?.pc ?? 0 as Address;
  }

  /** See {@linkcode HitRecord.returnValue}. */
  get returnValue(): number {
    const at = this.#at + 2 * Math.max(placeOf(this.probe, this.#places, 1), 0);
    return signed(this.#words[at]!, this.#words[at + 1]!);
  }

  /** See {@linkcode HitRecord.argumentCount}. */
  get argumentCount(): number {
    return countArguments(this.probe);
  }

  /** See {@linkcode HitRecord.arg}. */
  arg(index: number): number {
    this.readArg(index, this.#word);
    return numberOfWord(this.#word, typeOfArgument(this.probe, this.pc, index), this.#floats);
  }

  /** See {@linkcode HitRecord.argBigInt}. */
  argBigInt(index: number): bigint {
    this.readArg(index, this.#word);
    return wordToBigInt(this.#word, typeOfArgument(this.probe, this.pc, index));
  }

  /** See {@linkcode HitRecord.readArg}. */
  readArg(index: number, into: Uint32Array): void {
    checkIndex(index);
    const { probe } = this;
    if (probe.kind === "return" && index === 0) {
      into[0] = this.pc - probe.functionAddress;
      into[1] = 0;
      return;
    }
    const value = placeOf(probe, this.#places, index);
    if (index >= VALUES && probe.kind !== "static" && probe.kind !== "return") {
      // At the entry of the function the return address comes before them.
      return this.readStack(index - VALUES + (this.pc === probe.functionAddress ? 1 : 0), into);
    }
    // What was not recorded is 0.
    into[0] = value < 0 ? 0 : this.#words[this.#at + 2 * value]!;
    into[1] = value < 0 ? 0 : this.#words[this.#at + 2 * value + 1]!;
    if (probe.kind === "static") makeStatic(probe, this.pc, index, into);
  }

  /** See {@linkcode HitRecord.string}. */
  string(index: number): string | undefined {
    const bytes = this.bytes(index);
    return bytes && decoder.decode(beforeNul(bytes));
  }

  /** See {@linkcode HitRecord.bytes}. */
  bytes(index: number): Uint8Array | undefined {
    const wanted = captureAt(this.captures, index);
    const value = isOfArgument(wanted) ? placeOf(this.probe, this.#places, wanted.argument) : 0;
    const capture = isOfArgument(wanted) ? { ...wanted, argument: value } : wanted;
    const found = this.#captured.find((place) => isSame(place.capture, capture));
    // One that was written when nobody wanted that yet has none.
    if (found === undefined) return undefined;
    const length = Math.min(this.#lengthOf(found), sizeOf(capture));
    if (length === 0) return undefined;
    const from = this.#dataOf(found);
    const bytes = this.#bytes.slice(from, from + length);
    if (!isPlacedOfArgument(found)) return bytes;
    this.#tracepoint?.image.text.overlay(this.#startOf(found), bytes);
    return capture.kind === "string" ? beforeNul(bytes) : bytes;
  }

  /** See {@linkcode HitRecord.readRegister}. */
  readRegister(index: number, into: Uint32Array): boolean {
    const place = this.#captured.find(({ capture }) => capture.kind === "registers");
    const word = this.#tracepoint?.image.isa.registers.captured.indexOf(2 * index) ?? -1;
    const isThere = place !== undefined && word >= 0;
    this.#readWord(isThere ? this.#dataOf(place) + 8 * word : -1, into);
    return isThere;
  }

  /**
   * Reads a word of the stack, if it was captured.
   *
   * @param index Which one, from the stack pointer on.
   * @param into Receives the low and the high half; zeros if it is not known.
   */
  readStack(index: number, into: Uint32Array): void {
    const place = this.#captured.find(({ capture }) => capture.kind === "stack");
    const isThere = place !== undefined && 8 * index + 8 <= this.#lengthOf(place);
    this.#readWord(isThere ? this.#dataOf(place) + 8 * index : -1, into);
  }

  /**
   * Reads memory as it was at the hit, as far as it was captured.
   *
   * @param address Where; any number.
   * @param into Receives the bytes.
   * @returns How many are known, from the beginning.
   */
  readMemory(address: number, into: Uint8Array): number {
    let most = 0;
    let from = 0;
    for (let i = 0; i < this.#captured.length; i++) {
      const place = this.#captured[i]!;
      if (!isPlacedOfArgument(place)) continue;
      const skipped = address - this.#startOf(place);
      const known = this.#lengthOf(place) - skipped;
      if (skipped < 0 || known <= most) continue;
      most = known;
      from = this.#dataOf(place) + skipped;
    }
    most = Math.min(most, into.length);
    if (most === 0) return 0;
    // Most are short: for them a loop is faster than a view of both.
    for (let i = 0; i < most; i++) into[i] = this.#bytes[from + i]!;
    this.#tracepoint?.image.text.overlay(address, most < into.length ? into.subarray(0, most) : into);
    return most;
  }

  /** The address of what was captured, if it is one. */
  #startOf({ capture, dataBytes }: PlacedCapture & { readonly capture: ArgumentCapture }): number {
    const { argument, offsetBytes = 0 } = capture;
    // The last pointer is in front of what was copied.
    const word = pointersOf(capture).length > 0
      ? this.#at - VALUES_OFFSET + dataBytes / 4 - 2
      : this.#at + 2 * argument;
    return fromHalves(this.#words[word]!, this.#words[word + 1]!) + offsetBytes;
  }

  /** How many bytes were captured: no more than there is room for, whatever the record says. */
  #lengthOf({ offsetBytes, sizeBytes }: PlacedCapture): number {
    return Math.min(this.#words[this.#at - VALUES_OFFSET + offsetBytes / 4]!, sizeBytes);
  }

  /** Where in the memory of all records what was captured is. */
  #dataOf({ dataBytes }: PlacedCapture): number {
    return 4 * (this.#at - VALUES_OFFSET) + dataBytes;
  }

  /** Reads a word of the memory of all records, by its offset; -1 is none. */
  #readWord(at: number, into: Uint32Array): void {
    into[0] = at < 0 ? 0 : this.#words[at / 4]!;
    into[1] = at < 0 ? 0 : this.#words[at / 4 + 1]!;
  }

  /**
   * Goes to a record.
   *
   * @param words All records.
   * @param place Where it begins, as an index of words.
   * @param tracepoint Whose it is.
   * @param captured What was captured in it.
   */
  goTo(words: Uint32Array, place: number, tracepoint: Tracepoint, captured: readonly PlacedCapture[]): void {
    if (this.#words !== words) this.#bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    this.#words = words;
    this.#at = place + VALUES_OFFSET;
    this.#tracepoint = tracepoint;
    this.#captured = captured;
  }

  /**
   * A probe is about to be told of the record.
   *
   * @param probe The probe; undefined when all have been.
   * @param places Where in the record its arguments are; in their order by default.
   */
  bind(probe: Probe | undefined, places?: ValuePlaces): void {
    this.#probe = probe;
    this.#places = places;
  }
}

function isPlacedOfArgument(place: PlacedCapture): place is PlacedCapture & { readonly capture: ArgumentCapture } {
  return isOfArgument(place.capture);
}

/** Makes an argument of a static probe of what was recorded for it, as `hit.ts` does of a thread that is stopped. */
function makeStatic(probe: Probe, pc: Address, index: number, word: Uint32Array): void {
  const known = probe.arguments;
  if (known === undefined || index >= known.translatedTypes.length) return;
  const native = probe.nativeIndex(index);
  const places = known.places?.get(pc);
  if (places !== undefined) {
    const reader = places[native]?.reader;
    if (typeof reader === "object") reader.recall(word);
    return;
  }
  const type = probe.valueTypeAt(pc, native);
  if (type !== undefined) extendWord(word, type.sizeBytes, type.kind === "signed");
}

/**
 * Tells how many arguments of a probe are worth a look.
 *
 * @param probe The probe.
 * @returns See {@linkcode HitRecord.argumentCount}.
 */
export function countArguments({ kind, arguments: known }: Probe): number {
  return kind === "return" ? 2 : kind === "static" && known !== undefined ? known.translatedTypes.length : VALUES;
}

/**
 * Tells how the bits of an argument are read; those of probes of functions have no types.
 *
 * @param probe The probe.
 * @param pc The address of its site.
 * @param index Which argument, from 0.
 * @returns How; undefined if nothing says so.
 */
export function typeOfArgument(probe: Probe, pc: Address, index: number): ValueType | undefined {
  return probe.kind === "static" ? probe.valueTypeAt(pc, probe.nativeIndex(index)) : undefined;
}

/**
 * Joins the halves of an argument.
 *
 * @param word The low and the high half.
 * @param type How they are read.
 * @returns The value; of a floating-point number the bits.
 */
export function wordToBigInt(word: Uint32Array, type: ValueType | undefined): bigint {
  const high = word[1]!;
  return (BigInt(type?.kind === "unsigned" ? high : high | 0) << 32n) | BigInt(word[0]!);
}

/**
 * Finds what is wanted of a hit.
 *
 * @param captures What is captured.
 * @param index Which of it.
 * @returns The capture.
 * @throws {RangeError} If there is no such capture.
 */
export function captureAt(captures: readonly Capture[] | undefined, index: number): Capture {
  const capture = captures?.[index];
  if (capture !== undefined) return capture;
  throw new RangeError(
    `Cannot tell capture ${index}: ${captures?.length ?? 0} were asked for when the probe was enabled`,
  );
}

/**
 * Cuts bytes at the first NUL.
 *
 * @param bytes The bytes.
 * @returns Those before it; all if there is none.
 */
export function beforeNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/**
 * Joins the halves of a signed 64-bit integer.
 *
 * @param lo The low 32 bits, unsigned.
 * @param hi The high 32 bits, unsigned.
 * @returns The number; inexact beyond 2^53.
 */
export function signed(lo: number, hi: number): number {
  return fromHalves(lo, hi | 0);
}

/**
 * Checks the index of an argument.
 *
 * @param index The index.
 * @throws {RangeError} If it is no integer from 0 to 255.
 */
export function checkIndex(index: number): void {
  if (!Number.isInteger(index) || index < 0 || index > 255) {
    throw new RangeError(`Cannot use ${index} as an argument's index: it is not an integer from 0 to 255`);
  }
}
