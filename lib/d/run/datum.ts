/**
 * Data that a clause has recorded, or used as a key, and how they lie in memory.
 *
 * | form | in a record | in a key |
 * | --- | --- | --- |
 * | number | 8 bytes, extended from its size by its sign | the same |
 * | string | `strsize` bytes; a NUL ends it, what follows is garbage | up to the NUL, filled up to 4 bytes with NUL |
 * | bytes | as many | filled up to 4 bytes with zeros |
 * | float | as many | |
 * | stack | pid 4, count 4, 8 for each frame; room for the most frames | the same, without the room |
 * | symbol | pid 4, unused 4, address 8 | the same |
 *
 * All little-endian. Keys are so laid out that equal keys have equal bytes; records so that offsets are known when the
 * clause is compiled.
 *
 * @module
 */

import type { Form, SymbolKind } from "../types.ts";

/** A datum, out of its memory. */
export type Datum =
  | {
    readonly kind: "number";
    /** The low half, unsigned. */
    readonly lo: number;
    /** The high half, unsigned. */
    readonly hi: number;
    readonly sizeBytes: number;
    readonly signed: boolean;
  }
  /** The bytes before the NUL. */
  | { readonly kind: "string"; readonly bytes: Uint8Array }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "float"; readonly value: number }
  /** Addresses, the innermost first; the process is 0 for a stack of the kernel, which has no frames. */
  | { readonly kind: "stack"; readonly pid: number; readonly frames: readonly number[] }
  | { readonly kind: "symbol"; readonly of: SymbolKind; readonly pid: number; readonly address: number };

const HALF = 2 ** 32;
const STACK_HEAD_BYTES = 8;
const FRAME_BYTES = 8;
const SYMBOL_BYTES = 16;

/**
 * Tells how many bytes a datum takes in a record.
 *
 * @param form Its form.
 * @param strsize The size of a string.
 * @param frames The most frames of a stack.
 * @returns The bytes, a multiple of 8.
 */
export function recordedBytes(form: Form, strsize: number, frames: number): number {
  switch (form.kind) {
    case "number":
      return 8;
    case "string":
      return align(strsize);
    case "bytes":
    case "float":
      return align(form.sizeBytes);
    case "stack":
      return STACK_HEAD_BYTES + FRAME_BYTES * frames;
    case "symbol":
      return SYMBOL_BYTES;
    case "void":
      return 0;
  }
}

function align(bytes: number): number {
  return (bytes + 7) & ~7;
}

/**
 * Reads a datum.
 *
 * @param form Its form.
 * @param view Where it is.
 * @param at The offset of its first byte.
 * @param limitBytes How many bytes a string has at most, its NUL included.
 * @returns A copy of it.
 */
export function readDatum(form: Form, view: DataView, at: number, limitBytes: number): Datum {
  switch (form.kind) {
    case "number":
      return {
        kind: "number",
        lo: view.getUint32(at, true),
        hi: view.getUint32(at + 4, true),
        sizeBytes: form.sizeBytes,
        signed: form.signed,
      };
    case "string":
      return { kind: "string", bytes: bytesAt(view, at, stringLength(view, at, limitBytes)) };
    case "bytes":
      return { kind: "bytes", bytes: bytesAt(view, at, form.sizeBytes) };
    case "float":
      return { kind: "float", value: readFloat(view, at, form.sizeBytes) };
    case "stack": {
      const frames = Array.from(
        { length: view.getUint32(at + 4, true) },
        (_, index) => readAddress(view, at + STACK_HEAD_BYTES + FRAME_BYTES * index),
      );
      return { kind: "stack", pid: view.getUint32(at, true), frames };
    }
    case "symbol":
      return { kind: "symbol", of: form.of, pid: view.getUint32(at, true), address: readAddress(view, at + 8) };
    case "void":
      return { kind: "bytes", bytes: new Uint8Array(0) };
  }
}

/**
 * Reads the data of a key.
 *
 * @param forms Their forms.
 * @param words The words of the key.
 * @returns The data, in order.
 */
export function readKey(forms: readonly Form[], words: Int32Array): Datum[] {
  const view = new DataView(words.buffer, words.byteOffset, words.byteLength);
  let at = 0;
  return forms.map((form) => {
    const datum = readDatum(form, view, at, view.byteLength - at);
    at += keyBytes(datum);
    return datum;
  });
}

/** How many bytes a datum takes in a key. */
function keyBytes(datum: Datum): number {
  switch (datum.kind) {
    case "number":
    case "float":
      return 8;
    case "string":
      return (datum.bytes.length + 4) & ~3;
    case "bytes":
      return (datum.bytes.length + 3) & ~3;
    case "stack":
      return STACK_HEAD_BYTES + FRAME_BYTES * datum.frames.length;
    case "symbol":
      return SYMBOL_BYTES;
  }
}

function bytesAt(view: DataView, at: number, length: number): Uint8Array {
  const begin = view.byteOffset + at;
  return new Uint8Array(view.buffer.slice(begin, begin + length));
}

function stringLength(view: DataView, at: number, limitBytes: number): number {
  let length = 0;
  while (length < limitBytes && view.getUint8(at + length) !== 0) length++;
  return length;
}

/** An address; what does not fit into a number exactly is no address of a program. */
function readAddress(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * HALF + view.getUint32(at, true);
}

/**
 * Reads a floating-point number.
 *
 * @param view Where it is.
 * @param at The offset of its first byte.
 * @param sizeBytes 4, 8 or 16.
 * @returns The number, as far as 53 bits tell it.
 */
export function readFloat(view: DataView, at: number, sizeBytes: number): number {
  if (sizeBytes === 4) return view.getFloat32(at, true);
  if (sizeBytes === 8) return view.getFloat64(at, true);
  // The x87's extended format: 64 bits of mantissa, 15 of exponent, a sign.
  const mantissa = readAddress(view, at);
  const top = view.getUint16(at + 8, true);
  const exponent = top & 0x7fff;
  const sign = top & 0x8000 ? -1 : 1;
  if (exponent === 0x7fff) return mantissa === 2 ** 63 ? sign * Infinity : NaN;
  return sign * mantissa * 2 ** Math.max(exponent - 16383 - 63, -1074);
}
