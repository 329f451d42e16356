/** The contract of the stand-in for `@std/assert`: these tests also pass with the real package. */

import {
  assert,
  assertEquals,
  assertExists,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
} from "@std/assert";

/** Whether `assertEquals` and `assertNotEquals` both take two values for equal; fails if they disagree. */
function equals(a: unknown, b: unknown): boolean {
  const passes = (check: () => void) => {
    try {
      check();
      return true;
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
      return false;
    }
  };
  const equal = passes(() => assertEquals(a, b));
  if (equal === passes(() => assertNotEquals(a, b))) throw new TypeError("assertEquals and assertNotEquals agree");
  return equal;
}

/** What a function throws; `undefined` if it returns. */
function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

class Point {
  constructor(readonly x: number, readonly y: number) {}
}

const circle = () => {
  const value: Record<string, unknown> = { name: "circle" };
  value.self = value;
  return value;
};

const EQUAL: [title: string, a: unknown, b: unknown][] = [
  ["numbers", 1, 1],
  ["NaN", NaN, NaN],
  ["zeros of both signs", 0, -0],
  ["nested zeros of both signs", { a: [0] }, { a: [-0] }],
  ["zeros of both signs in a Float64Array", new Float64Array([0]), new Float64Array([-0])],
  ["strings", "a", "a"],
  ["bigints", 1n, 1n],
  ["arrays", [1, [2]], [1, [2]]],
  ["objects in any order of keys", { a: 1, b: 2 }, { b: 2, a: 1 }],
  ["a null-prototype and a plain object", Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ["maps in any order", new Map([[1, "a"], [2, "b"]]), new Map([[2, "b"], [1, "a"]])],
  ["sets of objects", new Set([{ a: 1 }]), new Set([{ a: 1 }])],
  ["dates", new Date(5), new Date(5)],
  ["regular expressions", /a/g, /a/g],
  ["bytes", new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  ["instances of one class", new Point(1, 2), new Point(1, 2)],
  ["values that contain themselves", circle(), circle()],
];

const UNEQUAL: [title: string, a: unknown, b: unknown][] = [
  ["numbers", 1, 2],
  ["a number and its text", 1, "1"],
  ["null and undefined", null, undefined],
  ["arrays of different lengths", [1], [1, 2]],
  ["objects with a key more", { a: 1 }, { a: 1, b: 2 }],
  ["a key that is undefined and none", { a: undefined }, {}],
  ["maps", new Map([[1, 1]]), new Map([[1, 2]])],
  ["sets", new Set([1]), new Set([2])],
  ["dates", new Date(5), new Date(6)],
  ["regular expressions with other flags", /a/g, /a/i],
  ["bytes", new Uint8Array([1, 2]), new Uint8Array([1, 3])],
  ["typed arrays of different types", new Uint8Array([1]), new Int8Array([1])],
  ["an instance and a plain object", new Point(1, 2), { x: 1, y: 2 }],
  ["two errors with the same message", new Error("a"), new Error("a")],
];

for (const [title, a, b] of EQUAL) {
  Deno.test(`assertEquals() passes on equal values: ${title}`, () => {
    if (!equals(a, b) || !equals(b, a)) throw new TypeError("they were taken for different");
  });
}

for (const [title, a, b] of UNEQUAL) {
  Deno.test(`assertEquals() throws on different values: ${title}`, () => {
    if (equals(a, b) || equals(b, a)) throw new TypeError("they were taken for equal");
  });
}

Deno.test("assertEquals() passes on an error and itself", () => {
  const error = new Error("a");
  assertEquals({ error }, { error });
});

Deno.test("assertEquals() shows the difference and the caller's sentence", () => {
  const error = thrown(() => assertEquals({ left: 1 }, { left: 2 }, "the sentence"));
  assertInstanceOf(error, AssertionError);
  assertStringIncludes(error.message, "left");
  assertStringIncludes(error.message, "the sentence");
});

Deno.test("assert() throws AssertionError on a falsy value only", () => {
  assert(1);
  assertInstanceOf(thrown(() => assert(0, "zero")), AssertionError);
  assertInstanceOf(thrown(() => assert("")), AssertionError);
});

Deno.test("assertStrictEquals() compares identity", () => {
  const point = new Point(1, 2);
  assertStrictEquals(point, point);
  assertStrictEquals(NaN, NaN);
  assertInstanceOf(thrown(() => assertStrictEquals(point, new Point(1, 2))), AssertionError);
  assertInstanceOf(thrown(() => assertStrictEquals(0, -0)), AssertionError);
});

Deno.test("assertExists() throws on null and undefined only", () => {
  for (const value of [0, "", false, NaN]) assertExists(value);
  for (const value of [null, undefined]) assertInstanceOf(thrown(() => assertExists(value)), AssertionError);
});

Deno.test("assertMatch() and assertStringIncludes() look inside a text", () => {
  assertMatch("abc", /b/);
  assertStringIncludes("abc", "bc");
  assertInstanceOf(thrown(() => assertMatch("abc", /d/)), AssertionError);
  assertInstanceOf(thrown(() => assertStringIncludes("abc", "d")), AssertionError);
});

Deno.test("assertInstanceOf() accepts subclasses and refuses others", () => {
  assertInstanceOf(new RangeError("a"), Error);
  assertInstanceOf(thrown(() => assertInstanceOf(new Error("a"), RangeError)), AssertionError);
  assertInstanceOf(thrown(() => assertInstanceOf(null, Error)), AssertionError);
});

Deno.test("assertGreaterOrEqual() compares with >=", () => {
  assertGreaterOrEqual(2, 2);
  assertInstanceOf(thrown(() => assertGreaterOrEqual(1, 2)), AssertionError);
});

Deno.test("assertThrows() returns what was thrown", () => {
  const error = new RangeError("the range");
  const raise = () => {
    throw error;
  };
  assertStrictEquals(assertThrows(raise), error);
  assertStrictEquals(assertThrows(raise, "a sentence"), error);
  assertStrictEquals(assertThrows(raise, RangeError, "range"), error);
});

Deno.test("assertThrows() throws AssertionError when the expectation is not met", () => {
  const raise = () => {
    throw new RangeError("the range");
  };
  assertInstanceOf(thrown(() => assertThrows(() => {})), AssertionError);
  assertInstanceOf(thrown(() => assertThrows(raise, TypeError)), AssertionError);
  assertInstanceOf(thrown(() => assertThrows(raise, RangeError, "other words")), AssertionError);
  assertInstanceOf(
    thrown(() =>
      assertThrows(() => {
        throw "text";
      }, Error)
    ),
    AssertionError,
  );
});

Deno.test("assertRejects() returns the reason", async () => {
  const error = new RangeError("the range");
  assertStrictEquals(await assertRejects(() => Promise.reject(error)), error);
  assertStrictEquals(await assertRejects(() => Promise.reject(error), RangeError, "range"), error);
});

Deno.test("assertRejects() throws AssertionError when the expectation is not met", async () => {
  const raise = () => {
    throw new RangeError("at once");
  };
  for (
    const failing of [
      () => assertRejects(() => Promise.resolve()),
      () => assertRejects(() => Promise.reject(new RangeError("a")), TypeError),
      () => assertRejects(raise),
    ]
  ) {
    assertInstanceOf(await failing().catch((error) => error), AssertionError);
  }
});

Deno.test("fail() throws AssertionError with the sentence", () => {
  const error = thrown(() => fail("the sentence"));
  assertInstanceOf(error, AssertionError);
  assertStringIncludes(error.message, "the sentence");
});
