/**
 * The value of `errno` in threads of targets.
 *
 * *Problem.* It is a variable of each thread, behind or before the thread pointer, and how far only the C library knows:
 * glibc keeps the distance in a word that the dynamic linker fills in, a static program in an instruction, musl in its
 * structure of threads.
 *
 * *Method.* All of them have the function that C's macro stands for, `__errno_location()` (LSB core, "errno"): three or
 * four instructions that add up a distance and the thread pointer. They are read, not run: what is no instruction that such a
 * function is made of ends the search. On x86-64 only (the thread pointer is the word at `%fs:0`, psABI section 3.4.2).
 *
 * A program may have no C library, or not yet: what was not found is looked for again a second later.
 *
 * @module
 */

import { fromHalves } from "../../address.ts";
import { DTraceError } from "../../errors.ts";
import type { Kernel } from "../../../ffi/ffi.ts";
import type { Hit } from "../../fasttrap/hit.ts";
import type { TargetMemory } from "../../process/memory.ts";
import { listModules, type Module } from "../../process/modules.ts";
import type { Image } from "../../process/process.ts";
import { processOf } from "./address_names.ts";

/** The function. */
const NAME = "__errno_location";
/** More than any of them has. */
const CODE_BYTES = 48;
const ADDRESS_LIMIT = 2 ** 48;

/** When to look again for what was not found, in nanoseconds. */
const AGAIN_NS = 1e9;

/** Where `errno` is. */
interface Place {
  /** How far behind the thread pointer, in bytes; undefined if that is not known. */
  readonly bytes: number | undefined;
  /** When to look again then. */
  readonly againNs: number;
}

/** What an instruction does to `%rax`. */
type Effect = (
  value: Value,
  at: { readonly operand: number; readonly next: number; readonly memory: TargetMemory },
) => Value;

/** A sum of a number and, perhaps, the thread pointer; undefined if it is not known. */
type Value = { readonly bytes: number; readonly pointers: number } | undefined;

/** The instructions: their first bytes, how many bytes of operand follow, and what they do. */
const INSTRUCTIONS: readonly (readonly [bytes: readonly number[], operandBytes: number, effect: Effect])[] = [
  // endbr64
  [[0xf3, 0x0f, 0x1e, 0xfa], 0, (value) => value],
  // mov OPERAND(%rip), %rax
  [[0x48, 0x8b, 0x05], 4, (_, { operand, next, memory }) => wordAt(memory, next + operand)],
  // mov $OPERAND, %rax
  [[0x48, 0xc7, 0xc0], 4, (_, { operand }) => ({ bytes: operand, pointers: 0 })],
  // mov %fs:0, %rax
  [[0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0], 0, () => ({ bytes: 0, pointers: 1 })],
  // add %fs:0, %rax
  [[0x64, 0x48, 0x03, 0x04, 0x25, 0, 0, 0, 0], 0, (value) => plus(value, 0, 1)],
  // add $OPERAND, %rax
  [[0x48, 0x83, 0xc0], 1, (value, { operand }) => plus(value, operand, 0)],
  [[0x48, 0x05], 4, (value, { operand }) => plus(value, operand, 0)],
];
const RET = 0xc3;

/** Reads `errno`. */
export class ThreadErrno {
  readonly #kernel: Kernel;
  readonly #places = new WeakMap<Image, Place>();
  readonly #pair = new Uint32Array(2);
  readonly #value = new DataView(new ArrayBuffer(4));

  /**
   * Makes a reader.
   *
   * @param kernel The kernel's requests.
   */
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * Reads it.
   *
   * @param hit A hit, whose thread is stopped.
   * @returns The number of an error, errno(3), as the program would see it now; 0 if that cannot be found out.
   */
  read(hit: Hit): number {
    const process = processOf(hit.probe, hit.pid);
    const base = process?.image.isa.registers.segmentBase("fs");
    if (process === undefined || base === undefined) return 0;
    let place = this.#places.get(process.image);
    if (place === undefined || (place.bytes === undefined && hit.timestampNs > place.againNs)) {
      const bytes = findErrno(process.image.memory, listModules(this.#kernel, process));
      this.#places.set(process.image, place = { bytes, againNs: hit.timestampNs + AGAIN_NS });
    }
    if (place.bytes === undefined) return 0;
    hit.readRegister(base / 2, this.#pair);
    const address = fromHalves(this.#pair[0]!, this.#pair[1]!) + place.bytes;
    const { buffer } = this.#value;
    return hit.readInto(address, new Uint8Array(buffer)) === buffer.byteLength ? this.#value.getInt32(0, true) : 0;
  }
}

/** Finds how far behind the thread pointer it is in bytes, negative before it; undefined if no module tells. */
function findErrno(memory: TargetMemory, modules: readonly Module[]): number | undefined {
  for (const module of modules) {
    const address = locationIn(module);
    if (address === undefined) continue;
    const code = new Uint8Array(CODE_BYTES);
    const value = returned(code.subarray(0, memory.read(address, code)), address, memory);
    if (value?.pointers === 1) return value.bytes;
  }
  return undefined;
}

/** What a function that is made of these instructions returns. */
function returned(code: Uint8Array, address: number, memory: TargetMemory): Value {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  let value: Value;
  let offset = 0;
  while (code[offset] !== RET) {
    const known = INSTRUCTIONS.find(([bytes]) => bytes.every((byte, index) => code[offset + index] === byte));
    if (known === undefined) return undefined;
    const [bytes, operandBytes, effect] = known;
    const end = offset + bytes.length + operandBytes;
    if (end > code.length) return undefined;
    const operand = operandBytes === 4
      ? view.getInt32(end - operandBytes, true)
      : operandBytes === 1
      ? view.getInt8(end - 1)
      : 0;
    value = effect(value, { operand, next: address + end, memory });
    offset = end;
  }
  return value;
}

function plus(value: Value, bytes: number, pointers: number): Value {
  return value && { bytes: value.bytes + bytes, pointers: value.pointers + pointers };
}

function wordAt(memory: TargetMemory, address: number): Value {
  const word = new Uint32Array(2);
  if (!memory.readWord(address, word)) return undefined;
  // A distance may be negative.
  const bytes = fromHalves(word[0]!, word[1]! | 0);
  return Math.abs(bytes) < ADDRESS_LIMIT ? { bytes, pointers: 0 } : undefined;
}

/** Where the function is in a module; undefined if it has none, or cannot be read. */
function locationIn(module: Module): number | undefined {
  try {
    const { table, bias } = module.symbols();
    const symbol = table.find(NAME);
    return symbol && symbol.vaddr + bias;
  } catch (error) {
    if (error instanceof DTraceError) return undefined;
    throw error;
  }
}
