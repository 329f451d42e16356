/**
 * A stand-in for the part of `jsr:@std/assert` that this project's tests use.
 *
 * JSR cannot be reached from every machine that builds this project. `deno.json` therefore imports the real package
 * by its real name and links this folder in its place; without the link the tests run on the real one. The signatures
 * are those of `@std/assert`; the comparisons are done by `node:assert/strict`, apart from the three cases in which
 * it disagrees with `@std/assert` (see {@linkcode comparable}).
 *
 * @module
 */

import nodeAssert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";

/** What a failed assertion throws. */
export class AssertionError extends Error {
  /**
   * Makes an error.
   *
   * @param message What did not hold.
   * @param options The cause.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** A constructor of anything, abstract or not. */
// deno-lint-ignore no-explicit-any -- `unknown[]` would refuse constructors that name their parameters' types
export type AnyConstructor = abstract new (...args: any[]) => any;

/** The instance type of a constructor. */
export type GetConstructorType<C extends AnyConstructor> = InstanceType<C>;

/** A constructor of errors. */
// deno-lint-ignore no-explicit-any -- as above
export type ErrorConstructorOf<E extends Error> = abstract new (...args: any[]) => E;

/**
 * Asserts that an expression is truthy.
 *
 * @param expr The expression.
 * @param msg The message of the error.
 */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/**
 * Asserts that two values are deeply equal.
 *
 * @param actual The value.
 * @param expected What it should equal.
 * @param msg A sentence for the error.
 */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  throw new AssertionError(`Values are not equal${suffix(msg)}\n${difference(actual, expected)}`);
}

/**
 * Asserts that two values are not deeply equal.
 *
 * @param actual The value.
 * @param expected What it should not equal.
 * @param msg A sentence for the error.
 */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(
    `Expected actual: ${Deno.inspect(actual)} not to be: ${Deno.inspect(expected)}${suffix(msg)}`,
  );
}

/**
 * Asserts that two values are the same one, as `Object.is` tells.
 *
 * @param actual The value.
 * @param expected The value that it should be.
 * @param msg A sentence for the error.
 */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  if (Object.is(actual, expected)) return;
  throw new AssertionError(`Values are not strictly equal${suffix(msg)}\n${difference(actual, expected)}`);
}

/**
 * Asserts that a value is neither `null` nor `undefined`.
 *
 * @param actual The value.
 * @param msg A sentence for the error.
 */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw new AssertionError(`Expected actual: "${actual}" to not be null or undefined${suffix(msg)}`);
}

/**
 * Asserts that a text matches a regular expression.
 *
 * @param actual The text.
 * @param expected The expression.
 * @param msg A sentence for the error.
 */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(`Expected actual: "${actual}" to match: "${expected}"${suffix(msg)}`);
}

/**
 * Asserts that a text contains another.
 *
 * @param actual The text.
 * @param expected The text that it should contain.
 * @param msg A sentence for the error.
 */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(`Expected actual: "${actual}" to contain: "${expected}"${suffix(msg)}`);
}

/**
 * Asserts that a value is an instance of a class.
 *
 * @param actual The value.
 * @param expectedType The class.
 * @param msg A sentence for the error.
 */
export function assertInstanceOf<T extends AnyConstructor>(
  actual: unknown,
  expectedType: T,
  msg?: string,
): asserts actual is GetConstructorType<T> {
  if (actual instanceof expectedType) return;
  throw new AssertionError(
    `Expected object to be an instance of "${expectedType.name}" but was "${nameOf(actual)}"${suffix(msg)}`,
  );
}

/**
 * Asserts that a value is greater than or equal to another.
 *
 * @param actual The value.
 * @param expected The least it may be.
 * @param msg A sentence for the error.
 */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (actual >= expected) return;
  throw new AssertionError(`Expect ${Deno.inspect(actual)} >= ${Deno.inspect(expected)}${suffix(msg)}`);
}

/**
 * Asserts that a function throws.
 *
 * @param fn The function.
 * @param msg A sentence for the error.
 * @returns What it threw.
 */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/**
 * Asserts that a function throws an error of a class.
 *
 * @param fn The function.
 * @param ErrorClass The class.
 * @param msgIncludes What the message of the error should contain.
 * @param msg A sentence for the error.
 * @returns The error it threw.
 */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorConstructorOf<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  classOrMsg?: ErrorConstructorOf<Error> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const expected = expectation(classOrMsg, msgIncludes, msg);
  try {
    fn();
  } catch (error) {
    return checkThrown(error, expected);
  }
  throw new AssertionError(`Expected function to throw${suffix(expected.msg)}`);
}

/**
 * Asserts that a function returns a promise that is rejected.
 *
 * @param fn The function.
 * @param msg A sentence for the error.
 * @returns The reason of the rejection.
 */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/**
 * Asserts that a function returns a promise that is rejected with an error of a class.
 *
 * @param fn The function.
 * @param ErrorClass The class.
 * @param msgIncludes What the message of the error should contain.
 * @param msg A sentence for the error.
 * @returns The error.
 */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorConstructorOf<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: ErrorConstructorOf<Error> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const expected = expectation(classOrMsg, msgIncludes, msg);
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    // A function that throws before it has a promise is a different mistake than the one expected.
    throw new AssertionError(`Function throws when expected to reject${suffix(expected.msg)}`, { cause: error });
  }
  try {
    await promise;
  } catch (error) {
    return checkThrown(error, expected);
  }
  throw new AssertionError(`Expected function to reject${suffix(expected.msg)}`);
}

/**
 * Fails.
 *
 * @param msg A sentence for the error.
 */
export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${suffix(msg)}`);
}

/** What `assertThrows` and `assertRejects` were told to expect. */
interface Expectation {
  errorClass: ErrorConstructorOf<Error> | undefined;
  msgIncludes: string | undefined;
  msg: string | undefined;
}

/** Tells the two forms of `assertThrows` and `assertRejects` apart. */
function expectation(
  classOrMsg: ErrorConstructorOf<Error> | string | undefined,
  msgIncludes: string | undefined,
  msg: string | undefined,
): Expectation {
  return typeof classOrMsg === "string"
    ? { errorClass: undefined, msgIncludes: undefined, msg: classOrMsg }
    : { errorClass: classOrMsg, msgIncludes, msg };
}

/** Returns what was thrown if it is what was expected, and throws otherwise. */
function checkThrown(error: unknown, { errorClass, msgIncludes, msg }: Expectation): unknown {
  if (errorClass === undefined) return error;
  if (!(error instanceof Error)) throw new AssertionError(`A non-Error object was thrown${suffix(msg)}`);
  const { message } = error;
  if (!(error instanceof errorClass)) {
    throw new AssertionError(
      `Expected error to be instance of "${errorClass.name}", but was "${nameOf(error)}": ${message}${suffix(msg)}`,
      { cause: error },
    );
  }
  if (msgIncludes !== undefined && !message.includes(msgIncludes)) {
    throw new AssertionError(
      `Expected error message to include "${msgIncludes}", but got "${message}"${suffix(msg)}`,
      { cause: error },
    );
  }
  return error;
}

/** Whether two values are deeply equal by the rules of `@std/assert`. */
function equal(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(comparable(a, new Map()), comparable(b, new Map()));
}

/**
 * Copies a value into one that `isDeepStrictEqual` compares as `@std/assert` compares the original: `-0` becomes `0`,
 * an object without a prototype becomes a plain one, and an error becomes a symbol of its own, because `@std/assert`
 * takes two errors with the same message for different ones.
 */
function comparable(value: unknown, copies: Map<object, unknown>): unknown {
  if (value === 0) return 0;
  if (typeof value !== "object" || value === null) return value;
  if (copies.has(value)) return copies.get(value);
  if (value instanceof Error) return identity(value);
  if (value instanceof Float32Array || value instanceof Float64Array) return value.map((element) => element + 0);
  if (value instanceof Map) {
    const copy = new Map();
    copies.set(value, copy);
    for (const [key, element] of value) copy.set(comparable(key, copies), comparable(element, copies));
    return copy;
  }
  if (value instanceof Set) {
    const copy = new Set();
    copies.set(value, copy);
    for (const element of value) copy.add(comparable(element, copies));
    return copy;
  }
  // What keeps its contents in internal slots (dates, buffers, promises) cannot be copied by its properties.
  if (!Array.isArray(value) && Object.prototype.toString.call(value) !== "[object Object]") return value;
  const copy: Record<PropertyKey, unknown> | unknown[] = Array.isArray(value)
    ? new Array(value.length)
    : Object.create(Object.getPrototypeOf(value) ?? Object.prototype);
  copies.set(value, copy);
  for (const key of Reflect.ownKeys(value)) {
    const descriptor = Object.getOwnPropertyDescriptor(value, key);
    if (!descriptor?.enumerable) continue;
    Object.defineProperty(copy, key, {
      value: comparable(Reflect.get(value, key), copies),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return copy;
}

const identities = new WeakMap<Error, symbol>();

/** The symbol that stands for an error. */
function identity(error: Error): symbol {
  let symbol = identities.get(error);
  if (symbol === undefined) identities.set(error, symbol = Symbol(error.message));
  return symbol;
}

/** Shows two values and how they differ, as `node:assert` does. */
function difference(actual: unknown, expected: unknown): string {
  try {
    nodeAssert.deepStrictEqual(actual, expected);
  } catch (error) {
    return (error as Error).message.replace(/^.*\n/, "");
  }
  return `actual: ${Deno.inspect(actual)}\nexpected: ${Deno.inspect(expected)}`;
}

/** The name of a value's class. */
function nameOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  return value.constructor?.name ?? "Object";
}

/** How `@std/assert` puts a caller's sentence behind its own. */
function suffix(msg: string | undefined): string {
  return msg === undefined ? "." : `: ${msg}`;
}
