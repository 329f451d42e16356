/**
 * Code of single operators: their operands are on the stack or in locals already.
 *
 * @module
 */

import { FAULT_NUMBERS } from "../run/fault.ts";
import type { ArithmeticOperator, ComparisonOperator } from "../int64.ts";
import type { BitField, Form } from "../types.ts";
import type { FunctionCode } from "./assembler.ts";
import type { HostFunction } from "./host_imports.ts";
import { I64, Op } from "./opcodes.ts";

const ZERO = { lo: 0, hi: 0 };
const ONES = { lo: 0xffffffff, hi: 0xffffffff };

/** The operators that are one instruction, and the same with and without a sign. */
const PLAIN: Readonly<Partial<Record<ArithmeticOperator, number>>> = {
  "+": Op.i64Add,
  "-": Op.i64Sub,
  "*": Op.i64Mul,
  "&": Op.i64And,
  "|": Op.i64Or,
  "^": Op.i64Xor,
  "<<": Op.i64Shl,
};

const COMPARISONS: Readonly<Record<ComparisonOperator, readonly [signed: number, unsigned: number]>> = {
  "==": [Op.i64Eq, Op.i64Eq],
  "!=": [Op.i64Ne, Op.i64Ne],
  "<": [Op.i64LtS, Op.i64LtU],
  "<=": [Op.i64LeS, Op.i64LeU],
  ">": [Op.i64GtS, Op.i64GtU],
  ">=": [Op.i64GeS, Op.i64GeU],
};

/** How the order of two strings, less, equal or greater than zero, is compared. */
const ORDERS: Readonly<Record<ComparisonOperator, number>> = {
  "==": Op.i32Eq,
  "!=": Op.i32Ne,
  "<": Op.i32LtS,
  "<=": Op.i32LeS,
  ">": Op.i32GtS,
  ">=": Op.i32GeS,
};

/** What operators call. */
export interface OperatorContext {
  readonly host: Readonly<Record<HostFunction, number>>;
}

/**
 * Cuts a number to the size of a form and extends it.
 *
 * @param code Where to append.
 * @param form The form; only numbers of less than 8 bytes are cut.
 */
export function emitCut(code: FunctionCode, form: Form): void {
  if (form.kind !== "number" || form.sizeBytes === 8) return;
  const { sizeBytes, signed } = form;
  if (signed) code.op(sizeBytes === 1 ? Op.i64Extend8S : sizeBytes === 2 ? Op.i64Extend16S : Op.i64Extend32S);
  else code.i64({ lo: sizeBytes === 4 ? 0xffffffff : 2 ** (8 * sizeBytes) - 1, hi: 0 }).op(Op.i64And);
}

/**
 * Loads a number of a size; its offset is on the stack.
 *
 * @param code Where to append.
 * @param sizeBytes 1, 2, 4 or 8.
 * @param signed Whether it is extended by its sign.
 */
export function emitSizedLoad(code: FunctionCode, sizeBytes: number, signed: boolean): void {
  const [withSign, without] = sizeBytes === 1
    ? [Op.i64Load8S, Op.i64Load8U]
    : sizeBytes === 2
    ? [Op.i64Load16S, Op.i64Load16U]
    : sizeBytes === 4
    ? [Op.i64Load32S, Op.i64Load32U]
    : [Op.i64Load, Op.i64Load];
  code.memory(signed ? withSign : without, 0);
}

/**
 * Stores a number of a size; offset and value are on the stack.
 *
 * @param code Where to append.
 * @param sizeBytes 1, 2, 4 or 8.
 */
export function emitSizedStore(code: FunctionCode, sizeBytes: number): void {
  code.memory(
    sizeBytes === 1 ? Op.i64Store8 : sizeBytes === 2 ? Op.i64Store16 : sizeBytes === 4 ? Op.i64Store32 : Op.i64Store,
    0,
  );
}

/**
 * Takes a bit-field out of the integer on the stack.
 *
 * @param code Where to append.
 * @param bits Which bits.
 * @param signed Whether the field has a sign.
 */
export function emitField(code: FunctionCode, { shift, width }: BitField, signed: boolean): void {
  code.i64({ lo: 64 - shift - width, hi: 0 }).op(Op.i64Shl);
  code.i64({ lo: 64 - width, hi: 0 }).op(signed ? Op.i64ShrS : Op.i64ShrU);
}

/**
 * Puts the value on the stack into a bit-field of an integer in a local.
 *
 * @param code Where to append; what is on the stack afterwards is the whole integer.
 * @param bits Which bits.
 * @param whole The local.
 */
export function emitFieldInsertion(code: FunctionCode, { shift, width }: BitField, whole: number): void {
  const mask = maskOf(shift, width);
  code.i64({ lo: shift, hi: 0 }).op(Op.i64Shl).i64(mask).op(Op.i64And);
  code.get(whole).i64({ lo: ~mask.lo >>> 0, hi: ~mask.hi >>> 0 }).op(Op.i64And, Op.i64Or);
}

function maskOf(shift: number, width: number): { lo: number; hi: number } {
  const ones = (from: number, to: number) => {
    const length = Math.max(0, Math.min(32, to) - Math.max(0, from));
    return length === 0 ? 0 : (((length === 32 ? 0 : 1 << length) - 1) << Math.max(0, from)) >>> 0;
  };
  return { lo: ones(shift, shift + width), hi: ones(shift - 32, shift + width - 32) };
}

/**
 * Computes with the two numbers on the stack.
 *
 * @param code Where to append.
 * @param operator The operator.
 * @param signed Whether `/`, `%` and `>>` respect a sign.
 * @param context What is called for a division by zero.
 */
export function emitArithmetic(
  code: FunctionCode,
  operator: ArithmeticOperator,
  signed: boolean,
  context: OperatorContext,
): void {
  const plain = PLAIN[operator];
  if (plain !== undefined) code.op(plain);
  else if (operator === ">>") code.op(signed ? Op.i64ShrS : Op.i64ShrU);
  else emitDivision(code, operator as "/" | "%", signed, context);
}

/** WebAssembly traps where D fails: at a zero; and where D does not: the least integer divided by -1. */
function emitDivision(code: FunctionCode, operator: "/" | "%", signed: boolean, { host }: OperatorContext): void {
  const left = code.take(I64);
  const right = code.take(I64);
  code.set(right).set(left);
  code.get(right).op(Op.i64Eqz).begin(Op.if);
  code.i32(FAULT_NUMBERS.divideByZero).i32(0).i32(0).call(host.fault).end();
  if (!signed) code.get(left).get(right).op(operator === "/" ? Op.i64DivU : Op.i64RemU);
  else {
    code.get(right).i64(ONES).op(Op.i64Eq).begin(Op.if, I64);
    if (operator === "/") code.i64(ZERO).get(left).op(Op.i64Sub);
    else code.i64(ZERO);
    code.otherwise().get(left).get(right).op(operator === "/" ? Op.i64DivS : Op.i64RemS).end();
  }
  code.release(I64, left);
  code.release(I64, right);
}

/**
 * Compares the two numbers on the stack.
 *
 * @param code Where to append; what is on the stack afterwards is a condition.
 * @param operator The operator.
 * @param signed Whether both have a sign.
 */
export function emitComparison(code: FunctionCode, operator: ComparisonOperator, signed: boolean): void {
  code.op(COMPARISONS[operator][signed ? 0 : 1]);
}

/**
 * Compares the order of two strings, which is on the stack, with zero.
 *
 * @param code Where to append.
 * @param operator The operator.
 */
export function emitOrder(code: FunctionCode, operator: ComparisonOperator): void {
  code.i32(0).op(ORDERS[operator]);
}

/**
 * Pushes the halves of a number in a local.
 *
 * @param code Where to append.
 * @param local The local.
 */
export function emitHalves(code: FunctionCode, local: number): void {
  code.get(local).op(Op.i32WrapI64).get(local).i64({ lo: 32, hi: 0 }).op(Op.i64ShrU, Op.i32WrapI64);
}

/**
 * Makes an address of D of the offset on the stack.
 *
 * @param code Where to append.
 */
export function emitOwnAddress(code: FunctionCode): void {
  code.op(Op.i64ExtendI32U).i64({ lo: 0, hi: 0x80000000 }).op(Op.i64Or);
}
