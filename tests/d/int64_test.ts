import { assertEquals } from "@std/assert";
import {
  arithmetic,
  type ArithmeticOperator,
  compare,
  type ComparisonOperator,
  complement,
  cut,
  formatInt64,
  fromBigInt,
  int64Of,
  negate,
  numberOf,
  toBigInt,
} from "../../lib/d/int64.ts";

/** Values at which something changes. */
const EDGES = [
  0n,
  1n,
  2n,
  63n,
  64n,
  127n,
  128n,
  255n,
  256n,
  0x7fffn,
  0x8000n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  2n ** 53n - 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
].flatMap((value) => [value, -value]);

Deno.test("arithmetic() computes with 64 bits, as bigint does, at all edges", () => {
  const operators: Record<ArithmeticOperator, (a: bigint, b: bigint) => bigint> = {
    "+": (a, b) => a + b,
    "-": (a, b) => a - b,
    "*": (a, b) => a * b,
    "/": (a, b) => a / b,
    "%": (a, b) => a % b,
    "&": (a, b) => a & b,
    "|": (a, b) => a | b,
    "^": (a, b) => a ^ b,
    "<<": (a, b) => a << (b & 63n),
    ">>": (a, b) => a >> (b & 63n),
  };
  for (const [operator, expected] of Object.entries(operators)) {
    for (const signed of [true, false]) {
      const wrap = (value: bigint) => signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
      for (const a of EDGES.map(wrap)) {
        for (const b of EDGES.map(wrap)) {
          if (b === 0n && "/%".includes(operator)) continue;
          const result = arithmetic(operator as ArithmeticOperator, fromBigInt(a), fromBigInt(b), signed);
          assertEquals(toBigInt(result, signed), wrap(expected(a, b)), `${a} ${operator} ${b}`);
        }
      }
    }
  }
});

Deno.test("compare() orders by the sign or without it", () => {
  const operators: Record<ComparisonOperator, (a: bigint, b: bigint) => boolean> = {
    "==": (a, b) => a === b,
    "!=": (a, b) => a !== b,
    "<": (a, b) => a < b,
    "<=": (a, b) => a <= b,
    ">": (a, b) => a > b,
    ">=": (a, b) => a >= b,
  };
  for (const [operator, expected] of Object.entries(operators)) {
    for (const signed of [true, false]) {
      const wrap = (value: bigint) => signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
      for (const a of EDGES.map(wrap)) {
        for (const b of EDGES.map(wrap)) {
          const result = compare(operator as ComparisonOperator, fromBigInt(a), fromBigInt(b), signed);
          assertEquals(result, expected(a, b), `${a} ${operator} ${b}`);
        }
      }
    }
  }
});

Deno.test("cut() keeps the bytes of a size and extends them", () => {
  for (const sizeBytes of [1, 2, 4, 8]) {
    for (const value of EDGES) {
      const bits = 8 * sizeBytes;
      assertEquals(toBigInt(cut(fromBigInt(value), sizeBytes, true), true), BigInt.asIntN(bits, value));
      assertEquals(toBigInt(cut(fromBigInt(value), sizeBytes, false), false), BigInt.asUintN(bits, value));
    }
  }
});

Deno.test("int64Of() and numberOf() take numbers there and back", () => {
  for (const number of [0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 32, -(2 ** 32) - 1, 2 ** 53 - 1, -(2 ** 53) + 1]) {
    assertEquals(numberOf(int64Of(number), true), number);
  }
  assertEquals(numberOf(int64Of(-1), false), 2 ** 64);
});

Deno.test("negate() and complement() of the smallest number", () => {
  const smallest = fromBigInt(-(2n ** 63n));
  assertEquals([negate(smallest), complement(smallest)], [smallest, fromBigInt(2n ** 63n - 1n)]);
});

Deno.test("formatInt64() writes all digits, with a sign or without", () => {
  const all = fromBigInt(-1n);
  assertEquals([formatInt64(all, true), formatInt64(all, false)], ["-1", "18446744073709551615"]);
});
