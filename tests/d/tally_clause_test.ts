import { assertEquals } from "@std/assert";
import { compileProgram } from "../../lib/d/compile.ts";
import { findTally } from "../../lib/d/tally_clause.ts";

const PROBE = "pid1:a:f:entry";

/** What the first clause of a program needs of its hits. */
function tallyOf(source: string): unknown {
  const program = compileProgram(source);
  return findTally(program.clauses[0]!, program);
}

Deno.test("findTally() says what has to be known of which argument", () => {
  const rows = [
    ["@ = count();", [{ argument: undefined, parts: [] }]],
    ['@[probefunc, probemod, 1, "x"] = sum(arg0);', [{ argument: 0, parts: ["sum"] }]],
    ["@[probename, probeprov, id] = avg(arg5);", [{ argument: 5, parts: ["sum"] }]],
    ["@a = min(arg1); @b = max((uint64_t)arg2);", [{ argument: 1, parts: ["min"] }, { argument: 2, parts: ["max"] }]],
    ["@ = quantize(arg3);", [{ argument: 3, parts: ["log2"] }]],
    ["@ = quantize(arg3, 1);", [{ argument: 3, parts: ["log2"] }]],
    ["@[1 + 2] = quantize((size_t)arg4);", [{ argument: 4, parts: ["log2"] }]],
  ] as const;
  for (const [statements, expected] of rows) assertEquals(tallyOf(`${PROBE} { ${statements} }`), expected, statements);
});

Deno.test("findTally() leaves alone what depends on each hit", () => {
  const rows = [
    "/arg0 > 1/ { @ = count(); }",
    "{ }",
    "{ trace(1); }",
    "{ @ = count(); trace(1); }",
    "{ @[arg0] = count(); }",
    "{ @[tid] = count(); }",
    "{ @[pid] = count(); }",
    "{ @[execname] = count(); }",
    "{ @[timestamp] = count(); }",
    "{ @[copyinstr(arg0)] = count(); }",
    "{ @[ustack()] = count(); }",
    "{ self->x = 1; @[probefunc, self->x] = count(); }",
    "{ @ = sum(arg6); }",
    "{ @ = sum(arg0 + 1); }",
    "{ @ = sum((int)arg0); }",
    "{ @ = sum((uint64_t)(char)arg0); }",
    "{ @ = sum(timestamp); }",
    "{ @ = sum(1); }",
    "{ @ = stddev(arg0); }",
    "{ @ = lquantize(arg0, 0, 10, 1); }",
    "{ @ = llquantize(arg0, 10, 0, 3, 10); }",
    "{ @ = quantize(arg0, 2); }",
    "{ @ = quantize(arg0, arg1); }",
    "{ if (1) { @ = count(); } }",
  ];
  for (const clause of rows) assertEquals(tallyOf(`${PROBE} ${clause}`), undefined, clause);
});

Deno.test("findTally() needs each hit for extremes that the program sets back, and for no other function", () => {
  for (const action of ["clear(@m);", "trunc(@m, 3);", "trunc(@m);", "if (1) { clear(@m); }"]) {
    const tick = `tick-1s { ${action} }`;
    assertEquals(tallyOf(`${PROBE} { @m = min(arg0); } ${tick}`), undefined);
    assertEquals(tallyOf(`${PROBE} { @m = max(arg0); } ${tick}`), undefined);
    assertEquals(tallyOf(`${PROBE} { @m = sum(arg0); } ${tick}`), [{ argument: 0, parts: ["sum"] }]);
    assertEquals(tallyOf(`${PROBE} { @o = min(arg0); } f:entry { @m = count(); } ${tick}`), [{
      argument: 0,
      parts: ["min"],
    }]);
  }
});
