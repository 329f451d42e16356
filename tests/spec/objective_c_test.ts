import { assertEquals, assertThrows } from "@std/assert";
import { compileMethodPattern, demangleMethod } from "../../lib/spec/objective_c.ts";

const METHODS = [
  { className: "Counter", name: "-add:to:" },
  { className: "Counter", name: "+add:to:" },
  { className: "Counter(Extra)", name: "-count" },
  { className: "Other", name: "-count" },
];

const ROWS: [module: string, method: string, ...indices: number[]][] = [
  ["", "", 0, 1, 2, 3],
  ["Counter", "", 0, 1],
  ["Counter*", "", 0, 1, 2],
  ["Counter(*)", "*", 2],
  ["Counter(Extra)", "-count", 2],
  ["Count", ""],
  ["", "-add?to?", 0],
  ["", "add?to?", 0, 1],
  ["", "?add*", 0, 1],
  ["", "+*", 1],
  ["", "[-]count", 2, 3],
  ["", "count", 2, 3],
  ["", "add"],
];

for (const [module, method, ...indices] of ROWS) {
  Deno.test(`compileMethodPattern() matches "${module}:${method}"`, () => {
    const matches = compileMethodPattern({ module, function: method });
    assertEquals(METHODS.map(matches).flatMap((found, index) => found ? [index] : []), indices);
  });
}

Deno.test("compileMethodPattern() throws SyntaxError on a malformed glob", () => {
  assertThrows(() => compileMethodPattern({ module: "[", function: "" }), SyntaxError);
});

Deno.test("demangleMethod() takes each underscore of a selector for a colon", () => {
  const rows: [symbol: string, className: string, name: string][] = [
    ["_i_Counter__add_to_", "Counter", "-add:to:"],
    ["_c_Counter__make", "Counter", "+make"],
    ["_i_Counter_Extra_twice_", "Counter(Extra)", "-twice:"],
  ];
  for (const [symbol, className, name] of rows) assertEquals(demangleMethod(symbol), { className, name });
  for (const symbol of ["_i_", "_i_Counter", "_x_Counter__make", "i_Counter__make", "_init", "_c_lookup"]) {
    assertEquals(demangleMethod(symbol), undefined);
  }
});
