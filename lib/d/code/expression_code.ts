/**
 * Code of expressions.
 *
 * What is on WebAssembly's stack when an expression has been evaluated depends on its form: of a number 64 bits; of a
 * string 32, the offset of its bytes, which end in a NUL; of bytes 64, their address. As a condition an expression is 32
 * bits, zero or not.
 *
 * Arguments of a subroutine are all evaluated before the first is put into its cell, so that a call in an argument is free
 * to use the cells.
 *
 * @module
 */

import { assert } from "../../errors.ts";
import { ZERO } from "../int64.ts";
import type { Bounded, Call, Construct, Expression, Load, Stack, SymbolOf, ToString } from "../expression.ts";
import { isInTarget } from "../needs.ts";
import { FAULT_NUMBERS } from "../run/fault.ts";
import type { Form } from "../types.ts";
import { NUMBER_BUILTINS, SUBROUTINES, TEXT_BUILTINS } from "./builtin_numbers.ts";
import { type ClauseContext, type ExpressionEmitter, framesOf } from "./code_context.ts";
import { STACKS } from "./host_imports.ts";
import { CALL_ARGUMENTS_MAX, Cell, OWN_HIGH } from "./memory_layout.ts";
import { I32, I64, Op, type ValueCode } from "./opcodes.ts";
import {
  emitArithmetic,
  emitComparison,
  emitCut,
  emitField,
  emitFieldInsertion,
  emitHalves,
  emitOrder,
  emitOwnAddress,
  emitSizedLoad,
  emitSizedStore,
} from "./operator_code.ts";
import { loadedBytes, PlaceCode } from "./place_code.ts";

/** Expressions whose value is within their form already. */
const WITHIN_FORM = new Set<Expression["kind"]>(["convert", "variable", "element", "load", "assign"]);

/** The subroutines that give NULL if they find nothing. */
const NULL_GIVERS = new Set<Call["name"]>(["json", "strchr", "strrchr", "strstr", "strtok"]);

/** Generates the code of expressions of one clause. */
export class ExpressionCode implements ExpressionEmitter {
  /** Generates the code of places. */
  readonly places: PlaceCode;
  readonly #context: ClauseContext;

  /**
   * Makes a generator.
   *
   * @param context Where the code goes, and what it refers to.
   */
  constructor(context: ClauseContext) {
    this.#context = context;
    this.places = new PlaceCode(context, this);
  }

  /** Evaluates and leaves nothing. */
  emitEffect(expression: Expression): void {
    const { kind } = expression.form;
    if (kind === "void" && expression.kind === "convert") return this.emitEffect(expression.operand);
    if (kind === "string") this.emitString(expression);
    else if (kind === "void" && expression.kind === "call") this.#emitCall(expression);
    else this.emitNumber(expression);
    this.#context.code.op(Op.drop);
  }

  /** Evaluates a condition. */
  emitCondition(expression: Expression): void {
    const { code, helpers } = this.#context;
    if (expression.form.kind === "string") {
      this.emitString(expression);
      return void code.memory(Op.i32Load8U, 0);
    }
    switch (expression.kind) {
      case "comparison":
        this.emitNumber(expression.left);
        this.emitNumber(expression.right);
        return emitComparison(code, expression.operator, expression.signed);
      case "string-comparison":
        this.emitString(expression.left);
        this.emitString(expression.right);
        code.call(helpers.compareStrings);
        return emitOrder(code, expression.operator);
      case "logical":
        return this.#emitLogical(expression);
      case "unary":
        if (expression.operator !== "!") break;
        this.emitCondition(expression.operand);
        return void code.op(Op.i32Eqz);
    }
    this.emitNumber(expression);
    code.i64(ZERO).op(Op.i64Ne);
  }

  /** See {@linkcode ExpressionEmitter.emitNumber}. */
  emitNumber(expression: Expression): void {
    const { code, host } = this.#context;
    switch (expression.kind) {
      case "constant":
        return void code.i64(expression.value);
      case "variable":
      case "element":
        return this.places.emitRead(expression);
      case "load":
        return this.#emitLoad(expression);
      case "builtin":
        code.i32(NUMBER_BUILTINS.indexOf(expression.name)).call(host.builtin);
        return this.#emitResult();
      case "argument":
        code.i32(expression.index).i32(expression.typed ? 1 : 0).call(host.argument);
        return this.#emitResult();
      case "register":
        this.#emitHalvesOf(expression.index);
        code.call(host.register);
        return this.#emitResult();
      case "convert":
        this.#emitAnyNumber(expression.operand);
        return emitCut(code, expression.form);
      case "bounded":
        return this.#emitBounded(expression);
      case "arithmetic":
        this.emitNumber(expression.left);
        this.emitNumber(expression.right);
        return emitArithmetic(code, expression.operator, expression.signed, this.#context);
      case "conditional":
        return this.#emitConditional(expression, I64);
      case "comma":
        return this.#emitComma(expression, () => this.emitNumber(expression.expressions.at(-1)!));
      case "assign":
        return this.places.emitAssign(expression);
      case "step":
        return this.places.emitStep(expression);
      case "call":
        this.#emitCall(expression);
        code.op(Op.drop);
        return this.#emitResult();
      case "construct":
        return this.#emitConstruct(expression);
      case "address":
        return this.#emitAnyNumber(expression.operand);
      default:
        return this.#emitTruth(expression);
    }
  }

  /** See {@linkcode ExpressionEmitter.emitCutNumber}. */
  emitCutNumber(expression: Expression, form: Form): void {
    this.emitNumber(expression);
    const own = expression.form;
    const isSame = own.kind === "number" && form.kind === "number" && own.sizeBytes === form.sizeBytes &&
      own.signed === form.signed;
    if (!isSame || !WITHIN_FORM.has(expression.kind)) emitCut(this.#context.code, form);
  }

  /** See {@linkcode ExpressionEmitter.emitString}. */
  emitString(expression: Expression): void {
    const { code, constants, host, options } = this.#context;
    switch (expression.kind) {
      case "string":
        return void code.i32(constants.get(expression)!);
      case "variable":
      case "element":
        return this.places.emitOffset(expression);
      case "builtin":
        return void code.i32(TEXT_BUILTINS.indexOf(expression.name)).call(host.text);
      case "to-string":
        return this.#emitToString(expression);
      case "load":
        this.#emitHalvesOf(expression.address);
        return void code.i32(options.strsize).call(host.string);
      case "conditional":
        return this.#emitConditional(expression, I32);
      case "comma":
        return this.#emitComma(expression, () => this.emitString(expression.expressions.at(-1)!));
      case "assign":
        return this.places.emitAssignString(expression);
      case "call":
        return this.#emitCall(expression);
      default:
        assert(false, `a ${expression.kind} is no string`);
    }
  }

  /** See {@linkcode ExpressionEmitter.emitText}. */
  emitText(expression: Expression): void {
    this.emitString(expression);
    if (!mayBeNull(expression)) return;
    const { code, host, layout } = this.#context;
    const at = code.take(I32);
    code.tee(at).i32(layout.zeros.begin).op(Op.i32Eq).begin(Op.if);
    code.i32(FAULT_NUMBERS.badAddress).i32(0).i32(0).call(host.fault).end().get(at);
    code.release(I32, at);
  }

  /** See {@linkcode ExpressionEmitter.emitBytesTo}. */
  emitBytesTo(expression: Expression, sizeBytes: number, emitTo: () => void): void {
    const userland = expression.kind === "load" && expression.userland;
    this.emitMemoryTo(() => this.#emitAnyNumber(expression), userland, sizeBytes, emitTo);
  }

  /**
   * Copies memory.
   *
   * @param emitAddress Pushes its address.
   * @param userland Whether it is known to be the traced program's.
   * @param sizeBytes How many bytes.
   * @param emitTo Pushes the offset to copy to.
   */
  emitMemoryTo(emitAddress: () => void, userland: boolean, sizeBytes: number, emitTo: () => void): void {
    const { code, helpers, host } = this.#context;
    const address = code.take(I64);
    emitAddress();
    code.set(address);
    emitTo();
    if (userland) {
      emitHalves(code, address);
      code.i32(sizeBytes).call(host.copyIn);
    } else code.get(address).i32(sizeBytes).call(helpers.readable).i32(sizeBytes).copy();
    code.release(I64, address);
  }

  /** See {@linkcode ExpressionEmitter.emitStack}. */
  emitStack(stack: Stack, emitTo: () => void): void {
    const { code, host, options } = this.#context;
    code.i32(STACKS.indexOf(stack.of));
    emitTo();
    code.i32(framesOf(stack, options)).call(host.stack);
  }

  /** See {@linkcode ExpressionEmitter.emitSymbol}. */
  emitSymbol(symbol: SymbolOf, emitTo: () => void): void {
    const { code } = this.#context;
    emitTo();
    // Symbols of the kernel belong to no process.
    if (symbol.of.startsWith("u")) code.i32(0).memory(Op.i64Load32U, Cell.pid);
    else code.i64(ZERO);
    code.memory(Op.i64Store, 0);
    emitTo();
    this.emitNumber(symbol.address);
    code.memory(Op.i64Store, 8);
  }

  #emitResult(): void {
    this.#context.code.i32(0).memory(Op.i64Load, Cell.result);
  }

  /** A number, or the address of a string. */
  #emitAnyNumber(expression: Expression): void {
    if (expression.form.kind !== "string") return this.emitNumber(expression);
    this.emitString(expression);
    emitOwnAddress(this.#context.code);
  }

  #emitBounded({ index, count }: Bounded): void {
    const { code, host } = this.#context;
    const value = code.take(I64);
    this.emitNumber(index);
    code.tee(value).i64({ lo: count, hi: 0 }).op(Op.i64GeU).begin(Op.if).i32(FAULT_NUMBERS.badIndex);
    emitHalves(code, value);
    code.call(host.fault).end().get(value);
    code.release(I64, value);
  }

  #emitHalvesOf(expression: Expression): void {
    const { code } = this.#context;
    const value = code.take(I64);
    this.emitNumber(expression);
    code.set(value);
    emitHalves(code, value);
    code.release(I64, value);
  }

  /** The number of what is true or not, and of the other operators with one operand. */
  #emitTruth(expression: Expression): void {
    const { code } = this.#context;
    if (expression.kind === "unary" && expression.operator !== "!") {
      if (expression.operator === "-") code.i64(ZERO);
      this.emitNumber(expression.operand);
      if (expression.operator === "-") code.op(Op.i64Sub);
      else code.i64({ lo: 0xffffffff, hi: 0xffffffff }).op(Op.i64Xor);
      return;
    }
    assert(
      ["comparison", "string-comparison", "logical", "unary"].includes(expression.kind),
      `a ${expression.kind} is no number`,
    );
    this.emitCondition(expression);
    code.op(Op.i64ExtendI32U);
  }

  #emitLogical({ operator, left, right }: Expression & { kind: "logical" }): void {
    const { code } = this.#context;
    const emitBoth = (operand: Expression) => {
      this.emitCondition(operand);
      code.i32(0).op(Op.i32Ne);
    };
    if (operator === "^^") {
      emitBoth(left);
      emitBoth(right);
      return void code.op(Op.i32Xor);
    }
    this.emitCondition(left);
    code.begin(Op.if, I32);
    if (operator === "&&") emitBoth(right);
    else code.i32(1);
    code.otherwise();
    if (operator === "&&") code.i32(0);
    else emitBoth(right);
    code.end();
  }

  #emitConditional({ condition, then, otherwise }: Expression & { kind: "conditional" }, type: ValueCode): void {
    const { code } = this.#context;
    const emit = (value: Expression) => type === I32 ? this.emitString(value) : this.#emitAnyNumber(value);
    this.emitCondition(condition);
    code.begin(Op.if, type);
    emit(then);
    code.otherwise();
    emit(otherwise);
    code.end();
  }

  #emitComma({ expressions }: Expression & { kind: "comma" }, emitLast: () => void): void {
    for (const expression of expressions.slice(0, -1)) this.emitEffect(expression);
    emitLast();
  }

  #emitLoad(load: Load): void {
    const { code, helpers, host } = this.#context;
    if (load.form.kind !== "number") return this.emitNumber(load.address);
    const size = loadedBytes(load);
    const { signed } = load.form;
    this.emitNumber(load.address);
    if (!load.userland) {
      code.i32(size).call(helpers.readable);
      emitSizedLoad(code, size, signed);
    } else {
      const address = code.take(I64);
      code.tee(address).i64({ lo: 32, hi: 0 }).op(Op.i64ShrU).i64({ lo: OWN_HIGH, hi: 0 }).op(Op.i64Eq);
      code.begin(Op.if, I64).get(address).i32(size).call(helpers.readable);
      emitSizedLoad(code, size, signed);
      code.otherwise();
      emitHalves(code, address);
      code.i32(size).call(host.load);
      this.#emitResult();
      if (load.bits === undefined) emitCut(code, load.form);
      code.end();
      code.release(I64, address);
    }
    if (load.bits !== undefined) emitField(code, load.bits, signed);
  }

  #emitToString({ address, limitBytes }: ToString): void {
    const { code, host, options } = this.#context;
    const limit = Math.min(limitBytes ?? options.strsize, options.strsize);
    if (address.form.kind === "string") return this.emitString(address);
    if (isInTarget(address)) {
      this.#emitCellStore(0, () => this.emitNumber(address));
      this.#emitCellStore(1, () => code.i64({ lo: limit, hi: 0 }));
      return void code.i32(SUBROUTINES.indexOf("copyinstr")).i32(2).call(host.subroutine);
    }
    this.#emitHalvesOf(address);
    code.i32(limit).call(host.string);
  }

  #emitCellStore(index: number, emitValue: () => void): void {
    this.#context.code.i32(0);
    emitValue();
    this.#context.code.memory(Op.i64Store, Cell.call + 8 * index);
  }

  /** Leaves what the host gives: of a string its offset. */
  #emitCall(call: Call): void {
    const { code, host } = this.#context;
    assert(call.arguments.length <= CALL_ARGUMENTS_MAX, "there is a cell for each argument");
    const locals = call.arguments.map((argument, index) => {
      const local = code.take(I64);
      if (argument.form.kind === "string") {
        if (call.name === "strtok" && index === 0) this.emitString(argument);
        else this.emitText(argument);
        code.op(Op.i64ExtendI32U);
      } else this.emitNumber(argument);
      code.set(local);
      return local;
    });
    locals.forEach((local, index) => {
      this.#emitCellStore(index, () => code.get(local));
      code.release(I64, local);
    });
    code.i32(SUBROUTINES.indexOf(call.name)).i32(locals.length).call(host.subroutine);
  }

  #emitConstruct(construct: Construct): void {
    const { code, host } = this.#context;
    assert(construct.form.kind === "bytes", "a structure is bytes");
    const base = code.take(I32);
    code.i32(construct.form.sizeBytes).call(host.scratch).set(base);
    for (const { offsetBytes, bits, value } of construct.members) {
      const emitTo = () => void code.get(base).i32(offsetBytes).op(Op.i32Add);
      this.#emitMember(value, bits, emitTo);
    }
    code.get(base);
    emitOwnAddress(code);
    code.release(I32, base);
  }

  #emitMember(value: Expression, bits: Load["bits"], emitTo: () => void): void {
    const { code, helpers, options } = this.#context;
    const { form } = value;
    if (form.kind === "string") {
      emitTo();
      this.emitString(value);
      return void code.i32(options.strsize).call(helpers.copyString);
    }
    if (form.kind === "bytes") return this.emitBytesTo(value, form.sizeBytes, emitTo);
    emitTo();
    this.emitNumber(value);
    if (bits === undefined) return emitSizedStore(code, form.kind === "number" ? form.sizeBytes : 8);
    const [field, whole] = [code.take(I64), code.take(I64)];
    code.set(field);
    emitTo();
    emitSizedLoad(code, bits.loadBytes, false);
    code.set(whole).get(field);
    emitFieldInsertion(code, bits, whole);
    emitSizedStore(code, bits.loadBytes);
    code.release(I64, field);
    code.release(I64, whole);
  }
}

/** Whether a string may be the NULL of a subroutine that has found nothing. */
function mayBeNull(expression: Expression): boolean {
  switch (expression.kind) {
    case "call":
      return NULL_GIVERS.has(expression.name);
    case "conditional":
      return mayBeNull(expression.then) || mayBeNull(expression.otherwise);
    case "comma":
      return mayBeNull(expression.expressions.at(-1)!);
    default:
      return false;
  }
}
