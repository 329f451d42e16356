/**
 * Checks aggregating statements, `@name[keys] = function(value)`.
 *
 * The first statement that names an aggregation decides on its function, the function's constants, and the number and
 * types of its keys; all others must agree.
 *
 * @module
 */

import { checkCount, prototypeOf } from "./check_call.ts";
import { checkKey } from "./check_key.ts";
import { fail } from "./compile_error.ts";
import { isArgumentCompatible, isInteger, isSameType, isScalar, isSigned, isString } from "./compatible.ts";
import type { Environment } from "./environment.ts";
import type { Expression } from "./expression.ts";
import { numberOf } from "./int64.ts";
import { convert, decay, toStringValue } from "./nodes.ts";
import { checkKeyCount, FUNCTION_KIND_NAMES, typeProblem } from "./prototypes.ts";
import type { AggregationSyntax, CallSyntax, ExpressionSyntax } from "./syntax.ts";
import type { Aggregate, AggregatingFunction, Aggregation } from "./tree.ts";
import { typeName } from "./type_name.ts";

const INT32_MAX = 2 ** 31 - 1;
const UINT16_MAX = 0xffff;

/** The aggregation whose name is nothing but the at sign. */
const UNNAMED = "_";

/**
 * Checks an aggregating statement.
 *
 * @param environment The names.
 * @param target The aggregation with its keys.
 * @param value What stands behind the equals sign.
 * @returns The statement.
 */
export function checkAggregate(
  environment: Environment,
  target: AggregationSyntax,
  value: ExpressionSyntax,
): Aggregate {
  const { line } = target;
  const name = aggregationName(target);
  if (value.kind !== "call") {
    fail("D_AGG_FUNC", line, `aggregation @${target.name} may only be assigned an aggregating function`);
  }
  const prototype = prototypeOf(environment, value);
  if (prototype.kind !== "aggregating") {
    fail(
      "D_AGG_FUNC",
      line,
      `${FUNCTION_KIND_NAMES[prototype.kind]} ${prototype.name}( ) is not an aggregating function: @${target.name}`,
    );
  }
  checkCount(prototype, value);
  const owner = { kind: "aggregation", name: `@${target.name}` } as const;
  const keys = (target.keys ?? []).map((key, index) => checkKey(environment, key, owner, index));
  const aggregated = prototype.name === "count" ? undefined : checkValue(environment, prototype.name, value);
  const { parameters, increment } = PARAMETERS[prototype.name as AggregatingFunction]?.(environment, value) ?? {};
  const aggregation = declare(environment, {
    name,
    function: prototype.name as AggregatingFunction,
    parameters: parameters ?? [],
    keys: keys.map(({ form }) => form),
    keyTypes: keys.map(({ type }) => type),
    signed: aggregated === undefined || isSigned(aggregated.type),
  }, line);
  return {
    kind: "aggregate",
    aggregation,
    keys: matchKeys(aggregation, keys, line),
    value: aggregated,
    increment,
    line,
  };
}

/** The name of an aggregation as the program lists it. */
export function aggregationName({ name }: AggregationSyntax): string {
  return name === "" ? UNNAMED : name;
}

/** Checks what is aggregated. */
function checkValue(environment: Environment, name: string, { arguments: list, line }: CallSyntax): Expression {
  const value = decay(environment.value(list[0]!));
  if (!isScalar(value.type)) fail("D_AGG_SCALAR", line, `${name}( ) argument #1 must be of scalar type`);
  return value;
}

/** Gives keys the types that the aggregation has. */
function matchKeys(aggregation: Aggregation, keys: readonly Expression[], line: number): Expression[] {
  return keys.map((key, index) => {
    const type = aggregation.keyTypes[index]!;
    if (!isArgumentCompatible(type, key) && !isSameType(type, key.type)) {
      fail(
        "D_PROTO_ARG",
        line,
        typeProblem(`@${aggregation.name}[ ] key`, index, typeName(type), typeName(key.type)),
      );
    }
    return isString(type) ? toStringValue(key) : convert(key, type);
  });
}

/** Finds an aggregation, or makes it. */
function declare(environment: Environment, wanted: Omit<Aggregation, "id">, line: number): Aggregation {
  const known = environment.aggregations.get(wanted.name);
  if (known === undefined) {
    const made: Aggregation = { ...wanted, id: environment.aggregations.size };
    environment.aggregations.set(wanted.name, made);
    return made;
  }
  const { name } = wanted;
  if (known.function !== wanted.function) {
    fail(
      "D_AGG_REDEF",
      line,
      `aggregation redefined: @${name}\n\t current: @${name} = ${wanted.function}( )\n\tprevious: @${name} = ` +
        `${known.function}( )`,
    );
  }
  checkKeyCount(`@${name}`, wanted.keys.length, known.keys.length, line);
  checkSameParameters(known, wanted, line);
  return known;
}

const LINEAR_NAMES = [["base", "BASE", 2], ["limit", "LIM", 3], ["step", "STEP", 4]] as const;
const LOG_LINEAR_NAMES = [
  ["factor", "FACTOR", 2],
  ["low magnitude", "LMAG", 3],
  ["high magnitude", "HMAG", 4],
  ["number of steps", "STEP", 5],
] as const;

function checkSameParameters(known: Aggregation, wanted: Omit<Aggregation, "id">, line: number): void {
  const isLinear = known.function === "lquantize";
  known.parameters.forEach((parameter, index) => {
    if (parameter === wanted.parameters[index]) return;
    const [words, tag, argument] = (isLinear ? LINEAR_NAMES : LOG_LINEAR_NAMES)[index]!;
    fail(
      isLinear ? `D_LQUANT_MATCH${tag}` : `D_LLQUANT_MATCH${tag === "STEP" ? "STEPS" : tag}`,
      line,
      `${known.function}( ) ${words} (argument #${argument}) doesn't match previous declaration: expected ${parameter}, ` +
        `found ${wanted.parameters[index]}`,
    );
  });
}

/** What a function takes beside the value. */
interface Parameters {
  readonly parameters: readonly number[];
  readonly increment: Expression | undefined;
}

const PARAMETERS: Partial<Record<AggregatingFunction, (environment: Environment, call: CallSyntax) => Parameters>> = {
  quantize: (environment, call) => ({ parameters: [], increment: checkIncrement(environment, call, 1) }),
  lquantize: checkLinear,
  llquantize: checkLogLinear,
};

function checkIncrement(environment: Environment, call: CallSyntax, index: number): Expression | undefined {
  const syntax = call.arguments[index];
  if (syntax === undefined) return undefined;
  const increment = environment.value(syntax);
  if (isInteger(increment.type)) return increment;
  const { callee, line } = call;
  const name = callee.kind === "identifier" ? callee.name : "";
  fail(
    "D_PROTO_ARG",
    line,
    typeProblem(`${name}( ) argument`, index, "int64_t", typeName(increment.type)),
  );
}

/** Reads an argument that is an integer constant; undefined if it is none. */
function constantArgument(environment: Environment, call: CallSyntax, index: number): number | undefined {
  const constant = environment.constantOf(call.arguments[index]!);
  return constant && numberOf(constant.value, constant.signed);
}

/** `lquantize(value, base, limit, step, increment)`. */
function checkLinear(environment: Environment, call: CallSyntax): Parameters {
  const { line } = call;
  const read = (index: number, words: string, type: string, value: string, min: number) => {
    const number = constantArgument(environment, call, index);
    if (number === undefined) fail(type, line, `lquantize( ) argument #${index + 1} must be an integer constant`);
    if (number > INT32_MAX || number < min) {
      fail(value, line, `lquantize( ) ${words} (argument #${index + 1}) must be a 32-bit quantity`);
    }
    return number;
  };
  const base = read(1, "base", "D_LQUANT_BASETYPE", "D_LQUANT_BASEVAL", -INT32_MAX - 1);
  const limit = read(2, "limit", "D_LQUANT_LIMTYPE", "D_LQUANT_LIMVAL", -INT32_MAX - 1);
  if (limit < base) {
    fail("D_LQUANT_MISMATCH", line, "lquantize( ) base (argument #2) must be less than limit (argument #3)");
  }
  const step = call.arguments.length > 3 ? checkStepSize(environment, call) : 1;
  if (step > limit - base) {
    fail("D_LQUANT_STEPLARGE", line, "lquantize( ) step (argument #4) too large: no levels between base and limit");
  }
  if (Math.floor((limit - base) / step) > UINT16_MAX) {
    fail(
      "D_LQUANT_STEPSMALL",
      line,
      "lquantize( ) step (argument #4) too small: number of quantization levels must be " +
        "a 16-bit quantity",
    );
  }
  return { parameters: [base, limit, step], increment: checkIncrement(environment, call, 4) };
}

function checkStepSize(environment: Environment, call: CallSyntax): number {
  const step = constantArgument(environment, call, 3);
  if (step === undefined || step <= 0) {
    fail("D_LQUANT_STEPTYPE", call, "lquantize( ) argument #4 must be a non-zero positive integer constant");
  }
  if (step > UINT16_MAX) fail("D_LQUANT_STEPVAL", call, "lquantize( ) step (argument #4) must be a 16-bit quantity");
  return step;
}

/** `llquantize(value, factor, low, high, steps, increment)`. */
function checkLogLinear(environment: Environment, call: CallSyntax): Parameters {
  const { line } = call;
  const [factor, low, high, steps] = LOG_LINEAR_NAMES.map(([words, tag, argument]) => {
    const number = constantArgument(environment, call, argument - 1);
    if (number === undefined) {
      fail(`D_LLQUANT_${tag}TYPE`, line, `llquantize( ) ${words} (argument #${argument}) must be an integer constant`);
    }
    if (number < 0 || number > UINT16_MAX) {
      fail(
        `D_LLQUANT_${tag}VAL`,
        line,
        `llquantize( ) ${words} (argument #${argument}) must be an unsigned 16-bit quantity`,
      );
    }
    return number;
  }) as [number, number, number, number];
  if (factor < 2) fail("D_LLQUANT_FACTORVAL", line, "llquantize( ) factor (argument #2) must be two or more");
  if (low >= high) {
    fail(
      "D_LLQUANT_HMAGVAL",
      line,
      "llquantize( ) high magnitude (argument #4) must be greater than low magnitude " +
        "(argument #3)",
    );
  }
  if (factor > steps) {
    fail(
      "D_LLQUANT_STEPVAL",
      line,
      "llquantize( ) factor (argument #2) must be less than or equal to the number " +
        "of linear steps per magnitude (argument #5)",
    );
  }
  if (steps % factor !== 0 || !dividesPower(factor, steps)) {
    fail(
      "D_LLQUANT_STEPVAL",
      line,
      "llquantize( ) factor (argument #2) must divide the number of linear steps per magnitude (argument #5), and that " +
        "a power of the factor",
    );
  }
  if (factor ** (high + 1) > 2 ** 63) {
    fail(
      "D_LLQUANT_HMAGVAL",
      line,
      `llquantize( ) factor (${factor}) raised to power of high magnitude (${high}) ` +
        "overflows 64 bits",
    );
  }
  return { parameters: [factor, low, high, steps], increment: checkIncrement(environment, call, 5) };
}

/** Whether a number divides a power of a factor, so that every magnitude falls into as many steps of one width. */
function dividesPower(factor: number, steps: number): boolean {
  let rest = 1;
  for (let power = 0; power <= 16; power++) {
    if (rest === 0) return true;
    rest = (rest * factor) % steps;
  }
  return rest === 0;
}
