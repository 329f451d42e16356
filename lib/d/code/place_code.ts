/**
 * Code of places: variables, elements of associative arrays and memory, read and assigned to; and of the tuples that are
 * keys.
 *
 * An assignment evaluates the value first and the place then. Variables that are not there (of a thread that has none,
 * elements that were never assigned) are read from the zeros; they are made when something else than zero is stored, or
 * anything into a member, and freed by storing a zero. What cannot be made because there is no room is not stored, and the
 * host counts it.
 *
 * Tuples are put together in the memory for keys (see `datum.ts` for their layout). A tuple in a tuple gets its own part of
 * it, by its depth.
 *
 * @module
 */

import { assert } from "../../errors.ts";
import { ZERO } from "../int64.ts";
import type { Assign, Expression, Load, Place, Step } from "../expression.ts";
import type { Form } from "../types.ts";
import { rootOf } from "../walk.ts";
import type { ClauseContext, ExpressionEmitter } from "./code_context.ts";
import { Cell } from "./memory_layout.ts";
import { I32, I64, Op } from "./opcodes.ts";
import {
  emitArithmetic,
  emitCut,
  emitField,
  emitFieldInsertion,
  emitOwnAddress,
  emitSizedLoad,
  emitSizedStore,
} from "./operator_code.ts";

/** A tuple in memory. */
export interface Key {
  /** Its offset. */
  readonly at: number;
  /** The local that says how many words it has, to be given back. */
  readonly words: number;
}

/** A place that is about to be read or written: what has been evaluated of it. */
type Target =
  | { readonly kind: "fixed"; readonly offset: number }
  | { readonly kind: "thread"; readonly offset: number }
  | { readonly kind: "element"; readonly array: number; readonly key: Key }
  | { readonly kind: "memory"; readonly address: number; readonly load: Load };

/** Generates the code of the places of one clause. */
export class PlaceCode {
  readonly #context: ClauseContext;
  readonly #expressions: ExpressionEmitter;
  #keyDepth = 0;
  /** The structure or array of which a part is about to be stored: it is made if it is not there. */
  #made: Expression | undefined;

  /**
   * Makes a generator.
   *
   * @param context Where the code goes, and what it refers to.
   * @param expressions Generates the code of values and keys.
   */
  constructor(context: ClauseContext, expressions: ExpressionEmitter) {
    this.#context = context;
    this.#expressions = expressions;
  }

  /** Pushes the offset of a variable's or an element's value; of one that is not there that of the zeros. */
  emitOffset(place: Exclude<Place, Load>): void {
    const { code } = this.#context;
    const isMade = place === this.#made;
    this.#made = undefined;
    const target = this.#prepare(place);
    if (isMade) {
      const to = this.#emitMake(target, () => code.i32(1));
      code.get(to);
      code.release(I32, to);
    } else this.#emitReadOffset(target);
    this.#release(target);
  }

  /** Pushes the value of a variable or an element; of bytes its address. */
  emitRead(place: Exclude<Place, Load>): void {
    const { code } = this.#context;
    if (place.form.kind !== "number") {
      this.emitOffset(place);
      return emitOwnAddress(code);
    }
    const target = this.#prepare(place);
    this.#emitReadNumber(target);
    this.#release(target);
  }

  /** Assigns a number or bytes; pushes the number, or the address of the bytes. */
  emitAssign(assign: Assign): void {
    const { code } = this.#context;
    const { place, operator, value } = assign;
    if (place.form.kind !== "number") return this.#emitAssignBytes(place, value);
    const result = code.take(I64);
    if (operator === undefined) this.#expressions.emitCutNumber(value, place.form);
    else this.#expressions.emitNumber(value);
    code.set(result);
    const target = this.#prepare(place);
    if (operator !== undefined) {
      this.#emitReadNumber(target);
      code.get(result);
      emitArithmetic(code, operator, assign.signed, this.#context);
      emitCut(code, place.form);
      code.set(result);
    }
    this.#emitStore(target, result);
    this.#release(target);
    code.get(result);
    code.release(I64, result);
  }

  /** Assigns a string; pushes its offset. */
  emitAssignString({ place, value }: Assign): void {
    const { code, helpers, options } = this.#context;
    const from = code.take(I32);
    this.#expressions.emitString(value);
    code.set(from);
    const target = this.#prepare(place);
    const to = this.#emitMake(target, () => code.get(from).memory(Op.i32Load8U, 0));
    code.get(to).begin(Op.if).get(to).get(from).i32(options.strsize).call(helpers.copyString).end();
    code.get(from);
    code.release(I32, to);
    code.release(I32, from);
    this.#release(target);
  }

  /** Adds to a number; pushes what it was before or is then. */
  emitStep({ place, by, postfix }: Step): void {
    const { code } = this.#context;
    const before = code.take(I64);
    const after = code.take(I64);
    const target = this.#prepare(place);
    this.#emitReadNumber(target);
    code.tee(before).i64(by).op(Op.i64Add);
    emitCut(code, place.form);
    code.set(after);
    this.#emitStore(target, after);
    this.#release(target);
    code.get(postfix ? before : after);
    code.release(I64, before);
    code.release(I64, after);
  }

  /**
   * Puts a tuple together.
   *
   * @param parts Its parts.
   * @param forms Their forms.
   * @param ofThread Whether the thread belongs to it.
   * @returns Where it is.
   */
  emitKey(parts: readonly Expression[], forms: readonly Form[], ofThread: boolean): Key {
    const { code, layout } = this.#context;
    const at = layout.keys.begin + this.#keyDepth * layout.keyBytes;
    assert(at < layout.keys.end, "tuples are nested eight deep at most");
    this.#keyDepth++;
    // While the tuple grows the local says where it ends.
    const end = code.take(I32);
    code.i32(at).set(end);
    if (ofThread) {
      code.get(end).i32(0).memory(Op.i64Load32U, Cell.tid).memory(Op.i64Store, 0);
      this.#advance(end, 8);
    }
    parts.forEach((part, index) => this.#emitKeyPart(part, forms[index]!, end));
    code.get(end).i32(at).op(Op.i32Sub).i32(2).op(Op.i32ShrU).set(end);
    this.#keyDepth--;
    return { at, words: end };
  }

  #emitKeyPart(part: Expression, form: Form, end: number): void {
    const { code, helpers, options } = this.#context;
    const emitEnd = () => void code.get(end);
    switch (form.kind) {
      case "number":
        code.get(end);
        this.#expressions.emitCutNumber(part, form);
        code.memory(Op.i64Store, 0);
        return this.#advance(end, 8);
      case "string": {
        const from = code.take(I32);
        this.#expressions.emitText(part);
        code.set(from);
        code.get(end).get(from).i32(options.strsize).call(helpers.copyKey).get(end).op(Op.i32Add).set(end);
        return code.release(I32, from);
      }
      case "stack":
        assert(part.kind === "stack", "a key that is a stack is made on the spot");
        this.#expressions.emitStack(part, emitEnd);
        code.i32(1).op(Op.i32Add).i32(3).op(Op.i32Shl).get(end).op(Op.i32Add).set(end);
        return;
      case "symbol":
        assert(part.kind === "symbol", "a key that is a symbol is made on the spot");
        this.#expressions.emitSymbol(part, emitEnd);
        return this.#advance(end, 16);
      case "bytes":
        // The last word is filled up with zeros.
        if (form.sizeBytes % 4 !== 0) code.get(end).i32(0).memory(Op.i32Store, form.sizeBytes & ~3);
        this.#expressions.emitBytesTo(part, form.sizeBytes, emitEnd);
        return this.#advance(end, (form.sizeBytes + 3) & ~3);
      default:
        assert(false, `a ${form.kind} is no key`);
    }
  }

  #advance(local: number, bytes: number): void {
    this.#context.code.get(local).i32(bytes).op(Op.i32Add).set(local);
  }

  /** Evaluates what there is to evaluate of a place. */
  #prepare(place: Place): Target {
    const { code, layout, arrays, helpers } = this.#context;
    if (place.kind === "load") {
      const address = code.take(I32);
      this.#made = rootOf(place.address);
      this.#expressions.emitNumber(place.address);
      code.i32(loadedBytes(place)).call(helpers.writable).set(address);
      return { kind: "memory", address, load: place };
    }
    const { variable } = place;
    if (place.kind === "element") {
      const key = this.emitKey(place.keys, variable.keys!, variable.scope === "thread");
      return { kind: "element", array: arrays.get(variable)!, key };
    }
    return { kind: variable.scope === "thread" ? "thread" : "fixed", offset: layout.offsets.get(variable)! };
  }

  #release(target: Target): void {
    if (target.kind === "element") this.#context.code.release(I32, target.key.words);
    if (target.kind === "memory") this.#context.code.release(I32, target.address);
  }

  #emitReadOffset(target: Target): void {
    const { code, host } = this.#context;
    switch (target.kind) {
      case "fixed":
        code.i32(target.offset);
        return;
      case "thread":
        code.i32(0).memory(Op.i32Load, Cell.thread).i32(target.offset).op(Op.i32Add);
        return;
      case "element":
        code.i32(target.array).i32(target.key.at).get(target.key.words).call(host.element);
        return;
      case "memory":
        code.get(target.address);
    }
  }

  #emitReadNumber(target: Target): void {
    const { code } = this.#context;
    if (target.kind === "fixed") return void code.i32(0).memory(Op.i64Load, target.offset);
    this.#emitReadOffset(target);
    if (target.kind !== "memory") return void code.memory(Op.i64Load, 0);
    const { form, bits } = target.load;
    const signed = form.kind === "number" && form.signed;
    emitSizedLoad(code, loadedBytes(target.load), signed);
    if (bits !== undefined) emitField(code, bits, signed);
  }

  #emitStore(target: Target, value: number): void {
    const { code } = this.#context;
    if (target.kind === "fixed") return void code.i32(0).get(value).memory(Op.i64Store, target.offset);
    if (target.kind === "memory") return this.#emitMemoryStore(target.address, target.load, value);
    const to = this.#emitMake(target, () => code.get(value).i64(ZERO).op(Op.i64Ne));
    code.get(to).begin(Op.if).get(to).get(value).memory(Op.i64Store, 0).end();
    code.release(I32, to);
  }

  #emitMemoryStore(address: number, load: Load, value: number): void {
    const { code } = this.#context;
    const size = loadedBytes(load);
    code.get(address);
    if (load.bits === undefined) code.get(value);
    else {
      const whole = code.take(I64);
      code.get(address);
      emitSizedLoad(code, size, false);
      code.set(whole).get(value);
      emitFieldInsertion(code, load.bits, whole);
      code.release(I64, whole);
    }
    emitSizedStore(code, size);
  }

  /** Makes room for a value if it is not zero; the local holds its offset, or 0 if nothing is to be stored. */
  #emitMake(target: Target, emitNotZero: () => void): number {
    const { code, host, layout } = this.#context;
    const to = code.take(I32);
    if (target.kind === "element") {
      const emitElement = () => code.i32(target.array).i32(target.key.at).get(target.key.words);
      emitNotZero();
      code.begin(Op.if, I32);
      emitElement().call(host.makeElement).otherwise();
      emitElement().call(host.freeElement).i32(0).end().set(to);
    } else if (target.kind === "thread") {
      code.i32(0).memory(Op.i32Load, Cell.thread).tee(to).i32(layout.zeros.begin).op(Op.i32Eq).begin(Op.if);
      emitNotZero();
      code.begin(Op.if, I32).call(host.thread).otherwise().i32(0).end().set(to).otherwise();
      // A block whose variables are all zero may be given back when the clauses of the hit have run.
      code.i32(0);
      emitNotZero();
      code.op(Op.i32Eqz).i32(0).memory(Op.i32Load, Cell.threadFreed).op(Op.i32Or).memory(Op.i32Store, Cell.threadFreed);
      code.end();
      code.get(to).begin(Op.if).get(to).i32(target.offset).op(Op.i32Add).set(to).end();
    } else this.#emitReadOffsetTo(target, to);
    return to;
  }

  #emitReadOffsetTo(target: Target, local: number): void {
    this.#emitReadOffset(target);
    this.#context.code.set(local);
  }

  #emitAssignBytes(place: Place, value: Expression): void {
    const { code } = this.#context;
    assert(place.form.kind === "bytes", `a ${place.form.kind} is not assigned to`);
    const { sizeBytes } = place.form;
    const target = this.#prepare(place);
    // Bytes are assigned a number only if it is a zero, which frees them.
    const isFreed = value.form.kind === "number";
    const to = this.#emitMake(target, () => code.i32(isFreed ? 0 : 1));
    this.#release(target);
    code.get(to).begin(Op.if);
    if (isFreed) code.get(to).i32(this.#context.layout.zeros.begin).i32(sizeBytes).copy();
    else this.#expressions.emitBytesTo(value, sizeBytes, () => void code.get(to));
    code.end().get(to);
    emitOwnAddress(code);
    code.release(I32, to);
  }
}

/**
 * Tells how many bytes are loaded.
 *
 * @param load The load.
 * @returns The bytes; of a bit-field those that hold it.
 */
export function loadedBytes({ form, bits }: Load): number {
  if (bits !== undefined) return bits.loadBytes;
  return form.kind === "number" || form.kind === "bytes" || form.kind === "float" ? form.sizeBytes : 1;
}
