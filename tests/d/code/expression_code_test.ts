import { assertEquals } from "@std/assert";
import { makeRandom, randomBigInt } from "../random.ts";
import { run, Simulation } from "../simulated.ts";

type Evaluate = (a: bigint, b: bigint) => bigint;

const asSigned = (value: bigint) => BigInt.asIntN(64, value);
const asUnsigned = (value: bigint) => BigInt.asUintN(64, value);
const truth = (value: boolean) => value ? 1n : 0n;

/** What each expression of `a` and `b` is by `bigint`; both are signed in the first column, unsigned in the second. */
const OPERATORS: Readonly<Record<string, Evaluate>> = {
  "a + b": (a, b) => a + b,
  "a - b": (a, b) => a - b,
  "a * b": (a, b) => a * b,
  "a & b": (a, b) => a & b,
  "a | b": (a, b) => a | b,
  "a ^ b": (a, b) => a ^ b,
  "a << (b & 63)": (a, b) => a << (b & 63n),
  "a >> (b & 63)": (a, b) => a >> (b & 63n),
  "-a": (a) => -a,
  "~a": (a) => ~a,
  "!a": (a) => truth(a === 0n),
  "a == b": (a, b) => truth(a === b),
  "a != b": (a, b) => truth(a !== b),
  "a < b": (a, b) => truth(a < b),
  "a <= b": (a, b) => truth(a <= b),
  "a > b": (a, b) => truth(a > b),
  "a >= b": (a, b) => truth(a >= b),
  "a && b": (a, b) => truth(a !== 0n && b !== 0n),
  "a || b": (a, b) => truth(a !== 0n || b !== 0n),
  "a ^^ b": (a, b) => truth((a !== 0n) !== (b !== 0n)),
  "a ? b : a": (a, b) => a !== 0n ? b : a,
  "b == 0 ? 7 : a / (b == 0 ? 1 : b)": (a, b) => b === 0n ? 7n : a / b,
  "b == 0 ? 7 : a % (b == 0 ? 1 : b)": (a, b) => b === 0n ? 7n : a % b,
};

for (const [type, cut] of [["int64_t", asSigned], ["uint64_t", asUnsigned]] as const) {
  Deno.test(`RunningProgram.fire() computes with ${type} as bigint does`, () => {
    const expressions = Object.keys(OPERATORS);
    const simulation = new Simulation(`
      ${type} a; ${type} b;
      BEGIN { a = arg0; b = arg1; ${expressions.map((text) => `trace((${type})(${text}));`).join(" ")} }
    `);
    const random = makeRandom(8);
    for (let round = 0; round < 400; round++) {
      const [a, b] = [randomBigInt(random), round % 7 === 0 ? 0n : randomBigInt(random)];
      const expected = expressions.map((text) => cut(OPERATORS[text]!(cut(a), cut(b))));
      assertEquals(simulation.fire("BEGIN", a, b).values(), expected, `${type} ${a}, ${b}`);
    }
  });
}

Deno.test("RunningProgram.fire() cuts what is stored to the size of the variable", () => {
  const types = ["int8_t", "uint8_t", "int16_t", "uint16_t", "int32_t", "uint32_t"];
  const simulation = new Simulation(`
    ${types.map((type, index) => `${type} v${index};`).join(" ")}
    BEGIN { ${
    types.map((_, index) => `trace(v${index} = arg0); trace(v${index}); trace(v${index} += arg0);`).join(" ")
  } }
  `);
  const random = makeRandom(9);
  for (let round = 0; round < 200; round++) {
    const value = randomBigInt(random);
    const expected = types.flatMap((type) => {
      const bits = Number(/\d+/.exec(type)![0]);
      const cut = (number: bigint) => type.startsWith("u") ? BigInt.asUintN(bits, number) : BigInt.asIntN(bits, number);
      return [cut(value), cut(value), cut(2n * cut(value))];
    });
    // The value of += is that of the variable and the argument.
    expected.forEach((_, index) => {
      if (index % 3 === 2) {
        const type = types[(index - 2) / 3]!;
        const bits = Number(/\d+/.exec(type)![0]);
        expected[index] = type.startsWith("u") ? BigInt.asUintN(bits, 2n * value) : BigInt.asIntN(bits, 2n * value);
      }
    });
    assertEquals(simulation.fire("BEGIN", value).values(), expected, String(value));
  }
});

Deno.test("RunningProgram.fire() computes the least integer divided by -1", () => {
  const simulation = new Simulation("int64_t a; BEGIN { a = arg0; trace(a / arg1); trace(a % arg1); }");
  assertEquals(simulation.fire("BEGIN", -(2n ** 63n), -1n).values(), [-(2n ** 63n), 0n]);
});

Deno.test("RunningProgram.fire() evaluates the right operand only if it matters", () => {
  assertEquals(
    run(
      "this->n = 0; this->x = 0 && this->n++; this->x = 1 || this->n++; trace(this->n); this->x = 1 && this->n++; trace(this->n);",
    ),
    [
      0n,
      1n,
    ],
  );
});

Deno.test("RunningProgram.fire() counts up and down, before and after", () => {
  assertEquals(run("x = 5; trace(x++); trace(x); trace(++x); trace(x--); trace(--x); trace(x);"), [
    5n,
    6n,
    7n,
    7n,
    5n,
    5n,
  ]);
});

Deno.test("RunningProgram.fire() evaluates commas from left to right", () => {
  assertEquals(run("trace((this->a = 1, this->a += 2, this->a * 10));"), [30n]);
});

Deno.test("RunningProgram.fire() compares strings byte by byte", () => {
  const compare = (a: string, b: string) =>
    run(
      `this->a = "${a}"; trace(this->a == "${b}"); trace(this->a < "${b}"); trace(this->a >= "${b}"); trace(this->a != "${b}");`,
    );
  assertEquals(compare("abc", "abc"), [1n, 0n, 1n, 0n]);
  assertEquals(compare("abc", "abd"), [0n, 1n, 0n, 1n]);
  assertEquals(compare("ab", "abc"), [0n, 1n, 0n, 1n]);
  assertEquals(compare("\\xff", "a"), [0n, 0n, 1n, 1n]);
  assertEquals(compare("", ""), [1n, 0n, 1n, 0n]);
});

Deno.test("RunningProgram.fire() reads structures, bit-fields and arrays of memory of its own", () => {
  const simulation = new Simulation(`
    struct point { char tag; int x; unsigned int low:3; unsigned int mid:5; int high:8; short s[2]; };
    BEGIN {
      this->p = (struct point *)copyin(arg0, sizeof (struct point));
      trace(this->p->tag); trace(this->p->x); trace(this->p->low); trace(this->p->mid); trace(this->p->high);
      trace(this->p->s[1]);
      this->p->mid = 9; this->p->x++; this->p->s[0] = -1;
      trace(this->p->low); trace(this->p->mid); trace(this->p->high); trace(this->p->x); trace(this->p->s[0]);
    }
  `);
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setInt8(0, -3);
  view.setInt32(4, -70000, true);
  view.setUint32(8, 5 | (17 << 3) | (0xfe << 8), true);
  view.setInt16(10, 0x1234, true);
  view.setInt16(12, -2, true);
  simulation.hit.memory.set(0x1000, bytes);
  const values = simulation.fire("BEGIN", 0x1000).values();
  assertEquals(values, [-3n, -70000n, 5n, 17n, -2n, -2n, 5n, 9n, -2n, -69999n, -1n]);
});

Deno.test("RunningProgram.fire() has the arguments, registers and variables of the hit", () => {
  const simulation = new Simulation(
    "BEGIN { trace(arg0); trace(arg9); trace(pid); trace(tid); trace(uregs[2]); trace(execname); trace(probename); trace(probeprov); trace(epid); trace(id); trace(walltimestamp); trace(curpsinfo->pr_psargs); }",
  );
  simulation.hit.registers = [1n, 2n, -3n];
  simulation.hit.numbers = { ...simulation.hit.numbers, walltimestamp: 1_700_000_000_123_456_789n };
  simulation.hit.texts["curpsinfo.pr_psargs"] = new TextEncoder().encode("./a.out -x");
  assertEquals(simulation.fire("BEGIN", -1n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 2n ** 62n).values(), [
    -1n,
    2n ** 62n,
    100n,
    101n,
    BigInt.asUintN(64, -3n),
    "a.out",
    "BEGIN",
    "dtrace",
    2n,
    1n,
    1_700_000_000_123_456_789n,
    "./a.out -x",
  ]);
});

Deno.test("RunningProgram.fire() reads memory of the process through pointers that are declared to point there", () => {
  const simulation = new Simulation(`
    struct entry { int low:3; int number; char name[4]; };
    BEGIN {
      this->p = (userland struct entry *)arg0;
      trace(this->p->low); trace(this->p->number); trace(this->p->name); trace(stringof((userland char *)arg1));
      this->copy = *this->p; trace(this->copy.number); trace(*(userland short *)arg1);
    }
  `);
  const bytes = new Uint8Array(12);
  bytes.set([0x46, 0, 0, 0, 0xf7, 0xff, 0xff, 0xff, 0x61, 0x62, 0, 0]);
  simulation.hit.memory.set(0x1000, bytes);
  simulation.hit.setText(0x2000, "text");
  assertEquals(simulation.fire("BEGIN", 0x1000, 0x2000).values(), [-2n, -9n, [0x61, 0x62, 0, 0], "text", -9n, 0x6574n]);
  assertEquals(simulation.fire("BEGIN", 0x3000, 0).take()[0]!.fault?.address, 0x3000);
});
