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
import { type Capture, isSame, type PlacedCapture } from "../isa/captures.ts";
import type { Probe, ProbeIdentity } from "./probe.ts";
import type { Tracepoint } from "./tracepoint.ts";

/** How many 64-bit values a record has. */
const VALUES = 6;
/** Where they begin in it, in 32-bit words. */
const VALUES_OFFSET = 4;
/** The size of the length in front of what was captured, in bytes. */
const LENGTH_BYTES = 8;

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
  /** The CPU on which the thread ran. While the thread is stopped, to ask for it costs some 10 us. */
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
   * probe what is where the arguments were at entry; in a static probe what the program passes to it. A pad records the six
   * that are in registers.
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
   * Tells what was captured.
   *
   * @param index Which of `EnableOptions.capture`, from 0.
   * @returns As many bytes as were wanted or could be read, of a string without its NUL; undefined if not even the first one
   *   could.
   * @throws {RangeError} If there is no such capture.
   */
  bytes(index: number): Uint8Array | undefined;
}

/** See the module's comment. */
export class RecordView implements HitRecord {
  readonly #word = new Uint32Array(2);
  #words: Uint32Array = new Uint32Array();
  #at = 0;
  #probe: Probe | undefined;
  #tracepoint: Tracepoint | undefined;
  #places = NOTHING;
  /** What the consumer that is being told wants to be captured. */
  captures: readonly Capture[] | undefined;
  /** See {@linkcode HitRecord.pid}. */
  pid = 0;
  /** See {@linkcode HitRecord.tid}. */
  tid = 0;
  /** See {@linkcode HitRecord.cpu}. */
  cpu = 0;
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
    return signed(this.#words[this.#at]!, this.#words[this.#at + 1]!);
  }

  /** See {@linkcode HitRecord.argumentCount}. */
  get argumentCount(): number {
    return this.probe.kind === "return" ? 2 : VALUES;
  }

  /** See {@linkcode HitRecord.arg}. */
  arg(index: number): number {
    this.readArg(index, this.#word);
    return signed(this.#word[0]!, this.#word[1]!);
  }

  /** See {@linkcode HitRecord.argBigInt}. */
  argBigInt(index: number): bigint {
    this.readArg(index, this.#word);
    return (BigInt(this.#word[1]! | 0) << 32n) | BigInt(this.#word[0]!);
  }

  /** See {@linkcode HitRecord.readArg}. */
  readArg(index: number, into: Uint32Array): void {
    checkIndex(index);
    const { kind, functionAddress } = this.probe;
    if (kind === "return" && index === 0) {
      into[0] = this.pc - functionAddress;
      into[1] = 0;
      return;
    }
    const value = kind === "return" ? index - 1 : index;
    const isThere = value < (kind === "return" ? 2 : VALUES);
    into[0] = isThere ? this.#words[this.#at + 2 * value]! : 0;
    into[1] = isThere ? this.#words[this.#at + 2 * value + 1]! : 0;
  }

  /** See {@linkcode HitRecord.string}. */
  string(index: number): string | undefined {
    const bytes = this.bytes(index);
    return bytes && decoder.decode(beforeNul(bytes));
  }

  /** See {@linkcode HitRecord.bytes}. */
  bytes(index: number): Uint8Array | undefined {
    const capture = captureAt(this.captures, index);
    const found = this.#places.find(({ capture: other }) => isSame(other, capture));
    // One that was written when nobody wanted that yet has none.
    if (found === undefined) return undefined;
    const at = this.#at - VALUES_OFFSET + found.offsetBytes / 4;
    const length = Math.min(this.#words[at]!, capture.sizeBytes, found.capture.sizeBytes);
    if (length === 0) return undefined;
    const bytes = new Uint8Array(this.#words.buffer, this.#words.byteOffset + 4 * at + LENGTH_BYTES, length).slice();
    this.readArg(capture.argument, this.#word);
    this.#tracepoint?.image.text.overlay(fromHalves(this.#word[0]!, this.#word[1]!), bytes);
    return capture.kind === "string" ? beforeNul(bytes) : bytes;
  }

  /**
   * Goes to a record.
   *
   * @param words All records.
   * @param place Where it begins, as an index of words.
   * @param tracepoint Whose it is.
   * @param places What was captured in it.
   */
  goTo(words: Uint32Array, place: number, tracepoint: Tracepoint, places: readonly PlacedCapture[]): void {
    this.#words = words;
    this.#at = place + VALUES_OFFSET;
    this.#tracepoint = tracepoint;
    this.#places = places;
  }

  /**
   * A probe is about to be told of the record.
   *
   * @param probe The probe; undefined when all have been.
   */
  bind(probe: Probe | undefined): void {
    this.#probe = probe;
  }
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
