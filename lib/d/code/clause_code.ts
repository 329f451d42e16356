/**
 * Code of clauses: a function for each, without parameters, that runs when one of its probes fires.
 *
 * It evaluates the predicate, makes room for its record, performs its statements, and moves the end of the buffer behind
 * the record: until then there is none, so that a clause that fails has left no record. The cell of the action says which
 * statement runs, for the report of a failure.
 *
 * With `speculate()` the record is put together at the end of the buffer as well, and then handed to the host, which moves
 * it to the speculation if there is one.
 *
 * @module
 */

import { assert } from "../../errors.ts";
import { ONE, ZERO } from "../int64.ts";
import type { Load } from "../expression.ts";
import type { Action, Aggregate, Clause, Statement, ValueAction } from "../tree.ts";
import type { ClauseContext } from "./code_context.ts";
import { ExpressionCode } from "./expression_code.ts";
import { ACTS } from "./host_imports.ts";
import { align, Cell } from "./memory_layout.ts";
import { I32, I64, Op } from "./opcodes.ts";
import { emitHalves } from "./operator_code.ts";
import { type RecordedDatum, RecordHead, type RecordLayout } from "./record_layout.ts";

/** Generates the code of one clause. */
export class ClauseCode {
  readonly #context: ClauseContext;
  readonly #record: RecordLayout;
  readonly #expressions: ExpressionCode;
  /** The local of the record's offset. */
  readonly #at: number;
  /** The local that says whether the record is kept: not if it belongs to a speculation that cannot be had. */
  readonly #speculation: number;
  #speculates = false;
  #action = 0;

  /**
   * Makes a generator.
   *
   * @param context Where the code goes, and what it refers to.
   * @param record The clause's record.
   */
  constructor(context: ClauseContext, record: RecordLayout) {
    this.#context = context;
    this.#record = record;
    this.#expressions = new ExpressionCode(context);
    this.#at = context.code.take(I32);
    this.#speculation = context.code.take(I32);
  }

  /**
   * Generates the function.
   *
   * @param clause The clause.
   */
  emit(clause: Clause): void {
    const { code } = this.#context;
    code.i32(0).i32(0).memory(Op.i32Store, Cell.action);
    if (clause.predicate !== undefined) {
      this.#expressions.emitCondition(clause.predicate);
      code.op(Op.i32Eqz).begin(Op.if).op(Op.return).end();
    }
    if (this.#record.sizeBytes > 0) this.#emitReservation();
    code.i32(1).set(this.#speculation);
    for (const statement of clause.statements) this.#emitStatement(statement);
    if (this.#record.sizeBytes > 0) this.#emitCommit();
  }

  #emitReservation(): void {
    const { code, host } = this.#context;
    const { sizeBytes, actions } = this.#record;
    code.i32(0).memory(Op.i32Load, Cell.position).tee(this.#at).i32(sizeBytes).op(Op.i32Add);
    code.i32(0).memory(Op.i32Load, Cell.limit).op(Op.i32GtU).begin(Op.if);
    code.i32(sizeBytes).call(host.reserve).tee(this.#at).op(Op.i32Eqz).begin(Op.if).op(Op.return).end().end();
    for (const { presentAt } of actions) {
      if (presentAt !== undefined) code.get(this.#at).i64(ZERO).memory(Op.i64Store, presentAt);
    }
  }

  #emitCommit(): void {
    const { code, host } = this.#context;
    const { sizeBytes } = this.#record;
    const copy = (from: number, to: number) =>
      code.get(this.#at).i32(0).memory(Op.i64Load, from).memory(Op.i64Store, to);
    code.get(this.#at).i32(0).memory(Op.i32Load, Cell.epid).memory(Op.i32Store, RecordHead.epid);
    code.get(this.#at).i32(sizeBytes).memory(Op.i32Store, RecordHead.size);
    copy(Cell.time, RecordHead.time);
    copy(Cell.pid, RecordHead.pid);
    copy(Cell.cpu, RecordHead.cpu);
    const emitEnd = () => code.i32(0).get(this.#at).i32(sizeBytes).op(Op.i32Add).memory(Op.i32Store, Cell.position);
    if (!this.#speculates) return void emitEnd();
    code.get(this.#speculation).begin(Op.if).get(this.#at).i32(sizeBytes).call(host.speculated).end();
  }

  #emitStatement(statement: Statement): void {
    const { code } = this.#context;
    if (statement.kind === "if") {
      this.#emitAction();
      this.#expressions.emitCondition(statement.condition);
      code.begin(Op.if);
      for (const inner of statement.then) this.#emitStatement(inner);
      if (statement.otherwise.length > 0) {
        code.otherwise();
        for (const inner of statement.otherwise) this.#emitStatement(inner);
      }
      return void code.end();
    }
    this.#action++;
    this.#emitAction();
    if (statement.kind === "expression") this.#expressions.emitEffect(statement.expression);
    else if (statement.kind === "aggregate") this.#emitAggregate(statement);
    else this.#emitActionOf(statement);
  }

  #emitAction(): void {
    this.#context.code.i32(0).i32(Math.max(1, this.#action)).memory(Op.i32Store, Cell.action);
  }

  #emitAggregate({ aggregation, keys, value, increment }: Aggregate): void {
    const { code, host } = this.#context;
    const [number, by] = [code.take(I64), code.take(I64)];
    if (value === undefined) code.i64(ZERO);
    else this.#expressions.emitNumber(value);
    code.set(number);
    if (increment === undefined) code.i64(ONE);
    else this.#expressions.emitNumber(increment);
    code.set(by);
    const key = this.#expressions.places.emitKey(keys, aggregation.keys, false);
    code.i32(aggregation.id).i32(key.at).get(key.words);
    emitHalves(code, number);
    emitHalves(code, by);
    code.call(host.aggregate);
    code.release(I32, key.words);
    code.release(I64, number);
    code.release(I64, by);
  }

  #emitActionOf(action: Action): void {
    const { code, host } = this.#context;
    const recorded = this.#record.actions.find((one) => one.action === action);
    if (recorded !== undefined) {
      if (action.kind === "print" && action.target !== undefined) this.#emitPointed(action.target, recorded.data);
      else recorded.data.forEach((datum) => this.#emitDatum(datum));
      if (recorded.presentAt !== undefined) code.get(this.#at).i64(ONE).memory(Op.i64Store, recorded.presentAt);
      if (action.kind === "exit") code.i32(ACTS.indexOf("exit")).i32(0).i32(0).call(host.act);
      return;
    }
    switch (action.kind) {
      case "speculate":
        this.#speculates = true;
        this.#emitHalvesOf(action);
        return void code.call(host.speculate).set(this.#speculation);
      case "raise":
      case "chill":
      case "commit":
      case "discard":
        code.i32(ACTS.indexOf(action.kind));
        this.#emitHalvesOf(action);
        return void code.call(host.act);
      case "stop":
      case "breakpoint":
      case "panic":
        return void code.i32(ACTS.indexOf(action.kind)).i32(0).i32(0).call(host.act);
      default:
        assert(false, `a ${action.kind} is recorded`);
    }
  }

  #emitHalvesOf({ value }: ValueAction): void {
    const { code } = this.#context;
    const local = code.take(I64);
    this.#expressions.emitNumber(value);
    code.set(local);
    emitHalves(code, local);
    code.release(I64, local);
  }

  /** Records a pointer, which is evaluated once, and behind it what it leads to. */
  #emitPointed({ userland }: Load, [pointer, target]: readonly RecordedDatum[]): void {
    const { code } = this.#context;
    assert(target?.form.kind === "bytes", "what a pointer leads to is recorded as bytes");
    const { form: { sizeBytes }, offset } = target;
    this.#emitDatum(pointer!);
    const emitAddress = () => void code.get(this.#at).memory(Op.i64Load, pointer!.offset);
    const emitTo = () => void code.get(this.#at).i32(offset).op(Op.i32Add);
    this.#expressions.emitMemoryTo(emitAddress, userland, sizeBytes, emitTo);
  }

  #emitDatum({ expression, form, offset }: RecordedDatum): void {
    const { code, helpers, options } = this.#context;
    const emitTo = () => void code.get(this.#at).i32(offset).op(Op.i32Add);
    switch (form.kind) {
      case "number":
        code.get(this.#at);
        this.#expressions.emitCutNumber(expression, form);
        return void code.memory(Op.i64Store, offset);
      case "string":
        emitTo();
        this.#expressions.emitText(expression);
        return void code.i32(align(options.strsize)).call(helpers.copyString);
      case "stack":
        assert(expression.kind === "stack", "a stack is recorded on the spot");
        this.#expressions.emitStack(expression, emitTo);
        return void code.op(Op.drop);
      case "symbol":
        assert(expression.kind === "symbol", "a symbol is recorded on the spot");
        return this.#expressions.emitSymbol(expression, emitTo);
      case "bytes":
      case "float":
        return this.#expressions.emitBytesTo(expression, form.sizeBytes, emitTo);
      case "void":
        assert(false, "nothing is not recorded");
    }
  }
}
