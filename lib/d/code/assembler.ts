/**
 * An assembler for WebAssembly: instructions in, the bytes of a module out.
 *
 * Clauses are generated from the typed tree, instruction by instruction, never as text. A module imports one memory and the
 * functions of the host, and exports a function for each clause. The encoding is that of WebAssembly Core 2.0, chapter 5:
 * sections of a code, a size and contents; integers in LEB128.
 *
 * @module
 */

import { assert } from "../../errors.ts";
import type { Int64 } from "../int64.ts";
import { BULK_PREFIX, EMPTY_BLOCK, I32, I64, MEMORY_COPY, MEMORY_FILL, Op, type ValueCode } from "./opcodes.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const FUNCTION_TYPE = 0x60;
const Section = { types: 1, imports: 2, functions: 3, exports: 7, code: 10 } as const;
const External = { function: 0, memory: 2 } as const;

/** What a function takes and gives. */
export interface Signature {
  readonly parameters: readonly ValueCode[];
  readonly results: readonly ValueCode[];
}

/** The instructions of one function. */
export class FunctionCode {
  readonly #bytes: number[] = [];
  readonly #locals: ValueCode[] = [];
  readonly #free = new Map<ValueCode, number[]>([[I32, []], [I64, []]]);
  readonly #parameterCount: number;
  #depth = 0;

  /**
   * Makes an empty function.
   *
   * @param parameterCount How many parameters it has: they are its first locals.
   */
  constructor(parameterCount: number) {
    this.#parameterCount = parameterCount;
  }

  /**
   * Appends an instruction without immediates, or with bytes that are known.
   *
   * @param bytes The instruction.
   * @returns This, so that instructions can be written in a row.
   */
  op(...bytes: readonly number[]): this {
    this.#bytes.push(...bytes);
    return this;
  }

  /** Appends `i32.const`. */
  i32(value: number): this {
    this.#bytes.push(Op.i32Const);
    pushSigned(this.#bytes, value | 0, value < 0 ? -1 : 0);
    return this;
  }

  /** Appends `i64.const`. */
  i64({ lo, hi }: Int64): this {
    this.#bytes.push(Op.i64Const);
    pushSigned(this.#bytes, lo | 0, hi | 0);
    return this;
  }

  /** Appends `local.get`. */
  get(local: number): this {
    return this.#indexed(Op.localGet, local);
  }

  /** Appends `local.set`. */
  set(local: number): this {
    return this.#indexed(Op.localSet, local);
  }

  /** Appends `local.tee`. */
  tee(local: number): this {
    return this.#indexed(Op.localTee, local);
  }

  /** Appends `call`. */
  call(index: number): this {
    return this.#indexed(Op.call, index);
  }

  /**
   * Appends a load or a store; addresses need not be aligned.
   *
   * @param opcode The instruction.
   * @param offset What is added to the address on the stack.
   * @returns This.
   */
  memory(opcode: number, offset: number): this {
    this.#bytes.push(opcode, 0);
    pushUnsigned(this.#bytes, offset);
    return this;
  }

  /** Appends `memory.copy`. */
  copy(): this {
    return this.op(BULK_PREFIX, MEMORY_COPY, 0, 0);
  }

  /** Appends `memory.fill`. */
  fill(): this {
    return this.op(BULK_PREFIX, MEMORY_FILL, 0);
  }

  /**
   * Opens a block.
   *
   * @param opcode `block`, `loop` or `if`.
   * @param type The type of its value; undefined if it has none.
   * @returns This.
   */
  begin(opcode: number, type?: ValueCode): this {
    this.#depth++;
    return this.op(opcode, type ?? EMPTY_BLOCK);
  }

  /** Appends `else`. */
  otherwise(): this {
    return this.op(Op.else);
  }

  /** Closes a block. */
  end(): this {
    assert(this.#depth > 0, "a block is closed that was opened");
    this.#depth--;
    return this.op(Op.end);
  }

  /**
   * Appends a branch.
   *
   * @param opcode `br` or `br_if`.
   * @param depth How many blocks are left.
   * @returns This.
   */
  branch(opcode: number, depth: number): this {
    return this.#indexed(opcode, depth);
  }

  /**
   * Takes a local that is not used.
   *
   * @param type Its type.
   * @returns Its index.
   */
  take(type: ValueCode): number {
    const free = this.#free.get(type)!.pop();
    if (free !== undefined) return free;
    this.#locals.push(type);
    return this.#parameterCount + this.#locals.length - 1;
  }

  /**
   * Gives a local back.
   *
   * @param type Its type.
   * @param local Its index.
   */
  release(type: ValueCode, local: number): void {
    this.#free.get(type)!.push(local);
  }

  /** The body as it stands in the section of code. */
  body(): number[] {
    assert(this.#depth === 0, "every block is closed");
    const bytes: number[] = [];
    pushUnsigned(bytes, this.#locals.length);
    for (const type of this.#locals) bytes.push(1, type);
    return withSize([...bytes, ...this.#bytes, Op.end]);
  }

  #indexed(opcode: number, index: number): this {
    this.#bytes.push(opcode);
    pushUnsigned(this.#bytes, index);
    return this;
  }
}

/** A module in the making. Imports come before functions, as their indices do. */
export class ModuleBuilder {
  readonly #types: Signature[] = [];
  readonly #imports: { name: string; type: number }[] = [];
  readonly #functions: { type: number; code: FunctionCode; name: string | undefined }[] = [];

  /**
   * Imports a function from the module `host`.
   *
   * @param name Its name.
   * @param signature What it takes and gives.
   * @returns Its index.
   */
  import(name: string, signature: Signature): number {
    assert(this.#functions.length === 0, "functions are imported before others are made");
    this.#imports.push({ name, type: this.#typeOf(signature) });
    return this.#imports.length - 1;
  }

  /**
   * Declares a function, whose code may be written later.
   *
   * @param signature What it takes and gives.
   * @param name The name under which it is exported; undefined if it is not.
   * @returns Its index and its code.
   */
  function(signature: Signature, name?: string): { index: number; code: FunctionCode } {
    const code = new FunctionCode(signature.parameters.length);
    this.#functions.push({ type: this.#typeOf(signature), code, name });
    return { index: this.#imports.length + this.#functions.length - 1, code };
  }

  /**
   * Encodes the module.
   *
   * @param pages The least size of its memory, which is imported as `memory`, in pages of 64 KiB.
   * @returns Its bytes.
   */
  encode(pages: number): Uint8Array<ArrayBuffer> {
    const memory = [...name("host"), ...name("memory"), External.memory, 0, ...unsigned(pages)];
    const imports = this.#imports.map((
      entry,
    ) => [...name("host"), ...name(entry.name), External.function, ...unsigned(entry.type)]);
    const exports = this.#functions.flatMap((entry, index) =>
      entry.name === undefined
        ? []
        : [[...name(entry.name), External.function, ...unsigned(this.#imports.length + index)]]
    );
    return Uint8Array.from([
      ...HEADER,
      ...section(Section.types, this.#types.map(encodeSignature)),
      ...section(Section.imports, [memory, ...imports]),
      ...section(Section.functions, this.#functions.map(({ type }) => unsigned(type))),
      ...section(Section.exports, exports),
      ...section(Section.code, this.#functions.map(({ code }) => code.body())),
    ]);
  }

  #typeOf(signature: Signature): number {
    const text = String(encodeSignature(signature));
    const known = this.#types.findIndex((type) => String(encodeSignature(type)) === text);
    return known >= 0 ? known : this.#types.push(signature) - 1;
  }
}

function encodeSignature({ parameters, results }: Signature): number[] {
  return [FUNCTION_TYPE, parameters.length, ...parameters, results.length, ...results];
}

function section(code: number, entries: readonly (readonly number[])[]): number[] {
  return [code, ...withSize([...unsigned(entries.length), ...entries.flat()])];
}

function withSize(bytes: readonly number[]): number[] {
  return [...unsigned(bytes.length), ...bytes];
}

function name(text: string): number[] {
  return withSize(Array.from(text, (character) => character.charCodeAt(0)));
}

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  pushUnsigned(bytes, value);
  return bytes;
}

function pushUnsigned(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes.push(0x80 | (rest & 0x7f));
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

/** LEB128 of 64 bits with a sign, in two halves: seven bits a byte, until what is left is the sign of the last. */
function pushSigned(bytes: number[], lo: number, hi: number): void {
  for (;;) {
    const low = lo & 0x7f;
    lo = (lo >>> 7) | (hi << 25);
    hi >>= 7;
    const sign = low & 0x40 ? -1 : 0;
    if (lo === sign && hi === sign) {
      bytes.push(low);
      return;
    }
    bytes.push(0x80 | low);
  }
}
