/**
 * Functions of every module that clauses share: checks of addresses, and what is done with strings byte by byte.
 *
 * @module
 */

import { FAULT_NUMBERS } from "../run/fault.ts";
import type { FunctionCode, ModuleBuilder } from "./assembler.ts";
import type { HostFunction } from "./host_imports.ts";
import { type Area, Cell, type MemoryLayout, OWN_HIGH } from "./memory_layout.ts";
import { I32, I64, Op } from "./opcodes.ts";
import { emitHalves } from "./operator_code.ts";

/** The indices of the functions. */
export interface Helpers {
  /** (address, bytes) -> offset: fails unless so many bytes may be read there. */
  readonly readable: number;
  /** (address, bytes) -> offset: fails unless so many bytes may be written there. */
  readonly writable: number;
  /** (to, from, size): copies a string, its NUL included, of which no more than `size` bytes are left. */
  readonly copyString: number;
  /** (to, from, size) -> bytes: copies a string into a tuple, filled up with NULs to 4 bytes. */
  readonly copyKey: number;
  /** (a, b) -> less, equal or greater than 0. */
  readonly compareStrings: number;
}

/**
 * Makes the functions.
 *
 * @param builder The module.
 * @param host The functions of the host.
 * @param layout Where everything is.
 * @returns Their indices.
 */
export function makeHelpers(
  builder: ModuleBuilder,
  host: Readonly<Record<HostFunction, number>>,
  layout: MemoryLayout,
): Helpers {
  const check = { parameters: [I64, I32], results: [I32] } as const;
  const readable = builder.function(check);
  emitCheck(readable.code, host, layout, { begin: layout.zeros.begin, end: layout.texts.end });
  const writable = builder.function(check);
  emitCheck(writable.code, host, layout, { begin: layout.variables.begin, end: layout.scratch.end });
  const copyString = builder.function({ parameters: [I32, I32, I32], results: [] });
  emitCopy(copyString.code);
  const copyKey = builder.function({ parameters: [I32, I32, I32], results: [I32] });
  emitKeyCopy(copyKey.code);
  const compareStrings = builder.function({ parameters: [I32, I32], results: [I32] });
  emitCompare(compareStrings.code);
  return {
    readable: readable.index,
    writable: writable.index,
    copyString: copyString.index,
    copyKey: copyKey.index,
    compareStrings: compareStrings.index,
  };
}

/** Checks that bytes are within an area, and as far as they are scratch memory within what the clause has taken of it. */
function emitCheck(
  code: FunctionCode,
  host: Readonly<Record<HostFunction, number>>,
  { scratch }: MemoryLayout,
  area: Area,
): void {
  const [address, bytes] = [0, 1];
  const fail = () => {
    code.begin(Op.if).i32(FAULT_NUMBERS.badAddress);
    emitHalves(code, address);
    code.call(host.fault).end();
  };
  code.get(address).i64({ lo: 32, hi: 0 }).op(Op.i64ShrU).i64({ lo: OWN_HIGH, hi: 0 }).op(Op.i64Ne);
  // Behind the area's end, or so near before it that not all bytes are there.
  code.get(address).op(Op.i32WrapI64).i32(area.begin).op(Op.i32Sub);
  code.i32(area.end - area.begin).get(bytes).op(Op.i32Sub, Op.i32GtU, Op.i32Or);
  code.get(bytes).i32(area.end - area.begin).op(Op.i32GtU, Op.i32Or);
  const emitOffset = (from: number) => code.get(address).op(Op.i32WrapI64).i32(from).op(Op.i32Sub);
  emitOffset(scratch.begin).i32(scratch.end - scratch.begin).op(Op.i32LtU);
  emitOffset(0).get(bytes).op(Op.i32Add).i32(0).memory(Op.i32Load, Cell.scratch).op(Op.i32GtU, Op.i32And, Op.i32Or);
  fail();
  code.get(address).op(Op.i32WrapI64);
}

/** Appends `if (--size == 0) break`, then the copy of a byte, `if (byte == 0) break`, and the next one. */
function emitCopyLoop(code: FunctionCode, byte: number): void {
  const [to, from, size] = [0, 1, 2];
  code.begin(Op.block).begin(Op.loop);
  code.get(size).i32(1).op(Op.i32Sub).tee(size).op(Op.i32Eqz).branch(Op.brIf, 1);
  code.get(from).memory(Op.i32Load8U, 0).tee(byte).op(Op.i32Eqz).branch(Op.brIf, 1);
  code.get(to).get(byte).memory(Op.i32Store8, 0);
  code.get(to).i32(1).op(Op.i32Add).set(to);
  code.get(from).i32(1).op(Op.i32Add).set(from);
  code.branch(Op.br, 0).end().end();
}

function emitCopy(code: FunctionCode): void {
  emitCopyLoop(code, code.take(I32));
  code.get(0).i32(0).memory(Op.i32Store8, 0);
}

function emitKeyCopy(code: FunctionCode): void {
  const begin = code.take(I32);
  code.get(0).set(begin);
  emitCopyLoop(code, code.take(I32));
  // Four NULs reach over the end of the last word, whose other bytes are copied already.
  code.get(0).i32(0).memory(Op.i32Store, 0);
  code.get(0).get(begin).op(Op.i32Sub).i32(4).op(Op.i32Add).i32(-4).op(Op.i32And);
}

function emitCompare(code: FunctionCode): void {
  const [a, b] = [0, 1];
  const left = code.take(I32);
  const right = code.take(I32);
  code.begin(Op.loop);
  code.get(a).memory(Op.i32Load8U, 0).set(left);
  code.get(b).memory(Op.i32Load8U, 0).set(right);
  code.get(left).get(right).op(Op.i32Eq).get(left).i32(0).op(Op.i32Ne, Op.i32And).begin(Op.if);
  code.get(a).i32(1).op(Op.i32Add).set(a);
  code.get(b).i32(1).op(Op.i32Add).set(b);
  code.branch(Op.br, 1).end().end();
  code.get(left).get(right).op(Op.i32Sub);
}
