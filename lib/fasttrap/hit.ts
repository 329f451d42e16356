/**
 * A hit: a thread stands at a tracepoint, and handlers look at it.
 *
 * One object serves all hits of a session: it is bound to a probe before its handlers are called and is dead
 * afterwards, so that a hit costs no allocation. A handler that wants to keep something copies it.
 *
 * Numbers. Arguments and return values are 64-bit registers. {@linkcode Hit.arg} gives them as DTrace's `arg0` has them,
 * signed, as a number that is exact between -2^53 and 2^53; {@linkcode Hit.argBigInt} is exact everywhere. The arguments
 * of static probes have types: they are cut to their size and have a sign only if their type has one. One that is a
 * floating-point number is that number for the first, and its bits for the second.
 *
 * @module
 */

import { type Address, fromHalves, highHalf } from "../address.ts";
import { assert, SystemError } from "../errors.ts";
import { readCpu } from "../process/proc_files.ts";
import type { Thread } from "../process/process.ts";
import { StackWalker } from "../process/stack_walker.ts";
import type { Tracer } from "../process/tracer.ts";
import { extendWord, numberOfWord, type ValueType } from "../value_type.ts";
import { StoppedThread } from "./operand_thread.ts";
import {
  type ArgumentCapture,
  type Capture,
  isOfArgument,
  pointersOf,
  type RegistersCapture,
  type StackCapture,
} from "../isa/captures.ts";
import {
  beforeNul,
  captureAt,
  checkIndex,
  countArguments,
  type HitRecord,
  signed,
  typeOfArgument,
  wordToBigInt,
} from "./hit_record.ts";
import type { Probe } from "./probe.ts";
import type { Tracepoint } from "./tracepoint.ts";

/** The longest string that is read unless another limit is given, in bytes; DTrace's default `strsize`. */
const STRING_BYTES = 256;

/** How many frames a stack has unless another limit is given. */
export const STACK_FRAMES = 128;

const decoder = new TextDecoder();

/** A hit of a probe, while the thread is stopped. Valid only until the handler returns. */
export interface Hit extends HitRecord {
  /**
   * Changes an argument of the function before its first instruction runs.
   *
   * @param index Which one, from 0.
   * @param value The new value, an integer between -2^53 and 2^53.
   * @throws {RangeError} If the index or the value is out of range, or if this is no entry probe.
   * @throws {SystemError} `EFAULT` if the argument is on a stack that cannot be written.
   */
  setArg(index: number, value: number): void;
  /**
   * Changes the value that the function returns.
   *
   * @param value The new value, an integer between -2^53 and 2^53.
   * @throws {RangeError} If the value is out of range, or if this is no return probe.
   */
  setReturnValue(value: number): void;
  /**
   * Reads memory as the program sees it, without our traps and jumps.
   *
   * @param address Where; any number. What is no address reads nothing.
   * @param length How many bytes.
   * @returns As many of them as can be read, from the beginning.
   */
  readBytes(address: number, length: number): Uint8Array;
  /**
   * Reads memory as the program sees it, into bytes that are there.
   *
   * @param address Where; any number.
   * @param into Receives the bytes.
   * @returns How many could be read, from the beginning.
   */
  readInto(address: number, into: Uint8Array): number;
  /**
   * Walks the stack of the thread: the instruction, and where each caller will go on.
   *
   * @param limit The most frames, 128 by default.
   * @returns The addresses, the innermost first; fewer where the stack ends, or can be followed neither by call frame
   *   information (DWARF 5, 6.4) nor by frame pointers.
   */
  stack(limit?: number): number[];
  /**
   * Walks the stack of the thread into numbers that are there.
   *
   * @param into Receives the addresses of {@linkcode Hit.stack}, as many as there is room for.
   * @returns How many there are.
   */
  readStack(into: Float64Array): number;
  /**
   * Reads a string that ends with a NUL, as UTF-8.
   *
   * @param address Where.
   * @param limitBytes The most bytes to read, 256 by default.
   * @returns The string, cut at the limit or where memory ends; undefined if not even its first byte can be read.
   */
  readString(address: number, limitBytes?: number): string | undefined;
  /**
   * Writes memory that the program itself may write.
   *
   * @param address Where.
   * @param bytes What.
   * @throws {SystemError} `EFAULT` if it cannot be written, or holds a tracepoint.
   */
  writeBytes(address: number, bytes: Uint8Array): void;
}

/** See the module's comment. */
export class HitView implements Hit {
  readonly #tracer: Tracer;
  readonly #word = new Uint32Array(2);
  readonly #floats = new DataView(this.#word.buffer);
  readonly #operands: StoppedThread;
  readonly #walker: StackWalker;
  #thread: Thread | undefined;
  #tracepoint: Tracepoint | undefined;
  #probe: Probe | undefined;
  #timestampNs = 0;
  /** What the consumer that is being told wants to be captured. */
  captures: readonly Capture[] | undefined;

  /**
   * Makes the object; {@linkcode Hit.begin} and {@linkcode Hit.bind} give it a meaning.
   *
   * @param tracer The tracer, whose registers are those of the thread.
   */
  constructor(tracer: Tracer) {
    this.#tracer = tracer;
    this.#operands = new StoppedThread(tracer);
    this.#walker = new StackWalker(tracer.kernel);
  }

  /** See {@linkcode Hit.probe}. */
  get probe(): Probe {
    assert(this.#probe !== undefined, "a hit is used only while its handler runs");
    return this.#probe;
  }

  /** See {@linkcode Hit.pid}. */
  get pid(): number {
    return this.#live().process.pid;
  }

  /** See {@linkcode Hit.tid}. */
  get tid(): number {
    return this.#live().tid;
  }

  /** See {@linkcode Hit.cpu}. */
  get cpu(): number {
    const { process, tid } = this.#live();
    return readCpu(this.#tracer.kernel, process.pid, tid);
  }

  /** See {@linkcode Hit.timestampNs}. */
  get timestampNs(): number {
    if (this.#timestampNs === 0) this.#timestampNs = this.#tracer.kernel.call.ft_clock_ns();
    return this.#timestampNs;
  }

  /** See {@linkcode Hit.pc}. */
  get pc(): Address {
    return this.#site().pc;
  }

  /** See {@linkcode Hit.returnValue}. */
  get returnValue(): number {
    const { result } = this.#site().image.isa.registers;
    return signed(this.#tracer.stop.registers[result]!, this.#tracer.stop.registers[result + 1]!);
  }

  /** See {@linkcode Hit.argumentCount}. */
  get argumentCount(): number {
    return countArguments(this.probe);
  }

  /** See {@linkcode Hit.arg}. */
  arg(index: number): number {
    this.readArg(index, this.#word);
    return numberOfWord(this.#word, this.#typeOf(index), this.#floats);
  }

  /** See {@linkcode Hit.argBigInt}. */
  argBigInt(index: number): bigint {
    this.readArg(index, this.#word);
    return wordToBigInt(this.#word, this.#typeOf(index));
  }

  /** See {@linkcode Hit.readArg}. */
  readArg(index: number, into: Uint32Array): void {
    checkIndex(index);
    const { image, pc } = this.#site();
    const { registers } = this.#tracer.stop;
    const { probe } = this;
    if (probe.kind === "static") return this.#readStatic(probe, index, into);
    if (probe.kind !== "return") {
      image.isa.registers.argument(registers, image.memory, index, pc === probe.functionAddress, into);
      return;
    }
    const access = image.isa.registers;
    const source = index === 1 ? access.result : index === 2 ? access.result2 : -1;
    into[0] = index === 0 ? pc - probe.functionAddress : source < 0 ? 0 : registers[source]!;
    into[1] = source < 0 ? 0 : registers[source + 1]!;
  }

  /** See {@linkcode Hit.string}. */
  string(index: number): string | undefined {
    const bytes = this.bytes(index);
    return bytes && decoder.decode(beforeNul(bytes));
  }

  /** See {@linkcode Hit.bytes}. */
  bytes(index: number): Uint8Array | undefined {
    const capture = captureAt(this.captures, index);
    const bytes = isOfArgument(capture) ? this.#readCapture(capture) : this.#readThread(capture);
    // A string may be empty.
    return bytes?.length === 0 && capture.kind !== "string" ? undefined : bytes;
  }

  #readCapture(capture: ArgumentCapture): Uint8Array | undefined {
    const { kind, argument, offsetBytes = 0, sizeBytes } = capture;
    // That of the instruction is no address.
    if (this.probe.kind === "return" && argument === 0) return undefined;
    this.readArg(argument, this.#word);
    let address = fromHalves(this.#word[0]!, this.#word[1]!);
    for (const pointer of pointersOf(capture)) {
      if (!this.#site().image.memory.readWord(address + pointer, this.#word)) return undefined;
      address = fromHalves(this.#word[0]!, this.#word[1]!);
    }
    address += offsetBytes;
    return kind === "string"
      ? this.#site().image.memory.readCString(address, sizeBytes)
      : this.readBytes(address, sizeBytes);
  }

  #readThread(capture: StackCapture | RegistersCapture): Uint8Array {
    const { captured, sp } = this.#site().image.isa.registers;
    if (capture.kind === "stack") {
      this.readRegister(sp / 2, this.#word);
      return this.readBytes(fromHalves(this.#word[0]!, this.#word[1]!), capture.sizeBytes);
    }
    const words = new Uint32Array(2 * captured.length);
    captured.forEach((index, i) => this.readRegister(index / 2, words.subarray(2 * i)));
    return new Uint8Array(words.buffer);
  }

  /** See {@linkcode Hit.setArg}. */
  setArg(index: number, value: number): void {
    checkIndex(index);
    checkValue(value);
    const { image, pc } = this.#site();
    if (this.probe.kind === "return") throw new RangeError("Cannot set an argument: the function has been left");
    if (this.probe.kind === "static") {
      throw new RangeError("Cannot set an argument: it is passed to nobody but the probe");
    }
    this.#split(value);
    const atEntry = pc === this.probe.functionAddress;
    if (!image.isa.registers.setArgument(this.#tracer.stop.registers, image.memory, index, atEntry, this.#word)) {
      throw new SystemError("EFAULT", "set", `argument ${index}`);
    }
  }

  /** See {@linkcode Hit.setReturnValue}. */
  setReturnValue(value: number): void {
    checkValue(value);
    if (this.probe.kind !== "return") {
      throw new RangeError("Cannot set the return value: the function has not returned");
    }
    this.#split(value);
    const { result } = this.#site().image.isa.registers;
    this.#tracer.stop.registers.set(this.#word, result);
  }

  /** See {@linkcode Hit.readBytes}. */
  readBytes(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, this.#site().image.memory.read(address, bytes));
  }

  /** See {@linkcode Hit.readInto}. */
  readInto(address: number, into: Uint8Array): number {
    return this.#site().image.memory.read(address, into);
  }

  /** See {@linkcode HitRecord.readRegister}. */
  readRegister(index: number, into: Uint32Array): boolean {
    const { image, pc } = this.#site();
    const { registers } = this.#tracer.stop;
    const exists = Number.isInteger(index) && index >= 0 && 8 * index < image.isa.registersBytes;
    // The pc behind a trap is not that of the instruction.
    const isPc = 2 * index === image.isa.registers.pc;
    into[0] = !exists ? 0 : isPc ? pc : registers[2 * index]!;
    into[1] = !exists ? 0 : isPc ? highHalf(pc) : registers[2 * index + 1]!;
    return exists;
  }

  /** See {@linkcode Hit.stack}. */
  stack(limit: number = STACK_FRAMES): number[] {
    const frames = new Float64Array(limit);
    return [...frames.subarray(0, this.readStack(frames))];
  }

  /** See {@linkcode Hit.readStack}. */
  readStack(into: Float64Array): number {
    const { image, instruction, pc } = this.#site();
    const { process } = this.#live();
    const { registers } = this.#tracer.stop;
    const { kind, functionAddress } = this.probe;
    if (kind !== "return") return this.#walker.walk({ process, registers, pc, entered: pc === functionAddress }, into);
    if (into.length === 0) return 0;
    // The function has been left: by a jump for another one, which takes its place in the stack; else for its caller.
    const isJump = instruction.flow !== "return";
    const start = { process, registers, pc: this.#tracer.stop.getPc(image), entered: isJump };
    const count = isJump ? this.#walker.walk(start, into) : 1 + this.#walker.walk(start, into.subarray(1));
    into[0] = pc;
    return count;
  }

  /** See {@linkcode Hit.readString}. */
  readString(address: number, limitBytes: number = STRING_BYTES): string | undefined {
    const bytes = this.#site().image.memory.readCString(address, limitBytes);
    return bytes && decoder.decode(bytes);
  }

  /** See {@linkcode Hit.writeBytes}. */
  writeBytes(address: number, bytes: Uint8Array): void {
    if (!this.#site().image.memory.write(address, bytes)) {
      throw new SystemError("EFAULT", "write", `${bytes.length} bytes at 0x${address.toString(16)}`);
    }
  }

  /**
   * A thread has arrived at a tracepoint.
   *
   * @param thread The thread.
   * @param tracepoint The tracepoint.
   */
  begin(thread: Thread, tracepoint: Tracepoint): void {
    this.#thread = thread;
    this.#tracepoint = tracepoint;
    this.#timestampNs = 0;
  }

  /**
   * A probe is about to fire.
   *
   * @param probe The probe; undefined when all have.
   */
  bind(probe: Probe | undefined): void {
    this.#probe = probe;
  }

  /**
   * An argument of a static probe: a native one chosen by the map, where the object says, or where a C function would find
   * it. There is no return address on the stack, because the call was taken out, unless it was a tail call (rule 135).
   */
  #readStatic(probe: Probe, index: number, into: Uint32Array): void {
    const { image, instruction, pc } = this.#site();
    const { registers } = this.#tracer.stop;
    const { arguments: known } = probe;
    into[0] = 0;
    into[1] = 0;
    if (known === undefined || index >= known.translatedTypes.length) return;
    const native = probe.nativeIndex(index);
    const places = known.places?.get(pc);
    if (places !== undefined) {
      const reader = places[native]?.reader;
      if (typeof reader === "object") reader.read(this.#operands.at(this.#live().tid, image), into);
      return;
    }
    image.isa.registers.argument(registers, image.memory, native, instruction.flow === "return", into);
    // What a caller leaves in the rest of the register is its own affair.
    const type = probe.valueTypeAt(pc, native);
    if (type !== undefined) extendWord(into, type.sizeBytes, type.kind === "signed");
  }

  /** How the bits of an argument are read; those of probes of functions have no types. */
  #typeOf(index: number): ValueType | undefined {
    return typeOfArgument(this.probe, this.#site().pc, index);
  }

  #live(): Thread {
    assert(this.#thread !== undefined && this.#probe !== undefined, "a hit is used only while its handler runs");
    return this.#thread;
  }

  #site(): Tracepoint {
    assert(this.#tracepoint !== undefined && this.#probe !== undefined, "a hit is used only while its handler runs");
    return this.#tracepoint;
  }

  #split(value: number): void {
    this.#word[0] = value >>> 0;
    // The floor makes the upper half of a negative number two's complement.
    this.#word[1] = highHalf(value) >>> 0;
  }
}

function checkValue(value: number): void {
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`Cannot set ${value}: it is not an integer between -2^53 and 2^53`);
  }
}
