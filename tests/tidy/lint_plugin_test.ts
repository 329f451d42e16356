import { assertEquals } from "@std/assert";
import plugin from "./lint_plugin.ts";

/** Lints a source as if it stood at a path of the repository, and returns the ids of the rules that it breaks. */
function lint(path: string, source: string): string[] {
  const file = new URL(`../../${path}`, import.meta.url).pathname;
  return Deno.lint.runPlugin(plugin, file, source).map((diagnostic) => diagnostic.id);
}

const IMPORTS_ALLOWED: [path: string, specifier: string][] = [
  ["lib/errors.ts", "./address.ts"],
  ["lib/isa/x86_64/decode.ts", "../isa.ts"],
  ["lib/isa/isa.ts", "../address.ts"],
  ["lib/spec/glob.ts", "../errors.ts"],
  ["ffi/ffi.ts", "../lib/errors.ts"],
  ["ffi/ffi.ts", "node:util"],
  ["lib/process/thread.ts", "../../ffi/ffi.ts"],
  ["lib/process/thread.ts", "../isa/isa.ts"],
  ["lib/fasttrap/probe.ts", "../process/thread.ts"],
  ["lib/session/session.ts", "../fasttrap/probe.ts"],
  ["lib/consumer/text.ts", "../session/event.ts"],
  ["cli.ts", "./lib/consumer/text.ts"],
  ["cli.ts", "./mod.ts"],
  ["mod.ts", "./lib/session/session.ts"],
];

const IMPORTS_REFUSED: [path: string, specifier: string][] = [
  ["lib/errors.ts", "./isa/isa.ts"],
  ["lib/isa/isa.ts", "../object/elf.ts"],
  ["lib/object/elf.ts", "../spec/glob.ts"],
  ["lib/spec/glob.ts", "../process/thread.ts"],
  ["lib/spec/glob.ts", "node:fs"],
  ["lib/isa/isa.ts", "../../ffi/ffi.ts"],
  ["ffi/ffi.ts", "../lib/process/thread.ts"],
  ["lib/process/thread.ts", "../fasttrap/probe.ts"],
  ["lib/process/thread.ts", "../../ffi/build.ts"],
  ["lib/fasttrap/probe.ts", "../session/session.ts"],
  ["lib/session/session.ts", "../consumer/text.ts"],
  ["lib/session/session.ts", "../../mod.ts"],
  ["lib/session/session.ts", "../../tests/tidy/lint_plugin.ts"],
  ["lib/session/session.ts", "@std/assert"],
  ["lib/session/session.ts", "npm:esbuild"],
  ["mod.ts", "@std/assert"],
];

for (const [path, specifier] of IMPORTS_ALLOWED) {
  Deno.test(`layers() allows ${path} to import ${specifier}`, () => {
    assertEquals(lint(path, `import { a } from "${specifier}";`), []);
  });
}

for (const [path, specifier] of IMPORTS_REFUSED) {
  Deno.test(`layers() refuses ${path} to import ${specifier}`, () => {
    assertEquals(lint(path, `import { a } from "${specifier}";`), ["fasttrap/layers"]);
  });
}

Deno.test("layers() looks at every form of import", () => {
  for (
    const source of [
      `import type { A } from "../session/session.ts";`,
      `import "../session/session.ts";`,
      `export { a } from "../session/session.ts";`,
      `export * from "../session/session.ts";`,
      `await import("../session/session.ts");`,
    ]
  ) {
    assertEquals(lint("lib/process/thread.ts", source), ["fasttrap/layers"], source);
  }
});

Deno.test("layers() leaves tests, benchmarks and build scripts alone", () => {
  for (const path of ["tests/spec/glob_test.ts", "bench/table_bench.ts", "ffi/build.ts", "ffi/bundle.ts"]) {
    assertEquals(lint(path, `import { assert } from "@std/assert"; console.log(Deno.args, assert);`), []);
  }
});

Deno.test("pure() refuses Deno in a pure layer", () => {
  const source = `Deno.readFileSync("a");`;
  for (const path of ["lib/errors.ts", "lib/isa/x86_64/decode.ts", "lib/object/elf.ts", "lib/consumer/text.ts"]) {
    assertEquals(lint(path, source), ["fasttrap/pure"]);
  }
  for (const path of ["lib/process/thread.ts", "lib/session/session.ts", "cli.ts"]) {
    assertEquals(lint(path, source), []);
  }
});

Deno.test("processWide() lets only the command read arguments, print and exit", () => {
  for (const source of ["Deno.args;", "Deno.exit(1);", `console.error("a");`, `Deno["args"];`]) {
    assertEquals(lint("lib/session/session.ts", source), ["fasttrap/process-wide"], source);
    assertEquals(lint("mod.ts", source), ["fasttrap/process-wide"], source);
    assertEquals(lint("cli.ts", source), [], source);
  }
});

Deno.test("oneLibrary() lets only ffi/ffi.ts open the library", () => {
  assertEquals(lint("ffi/ffi.ts", `Deno.dlopen("a", {});`), []);
  assertEquals(lint("lib/process/thread.ts", `Deno.dlopen("a", {});`), ["fasttrap/one-library"]);
});

Deno.test("functionLines() refuses a function of more than 70 lines", () => {
  const ofLines = (count: number) => `export function a() {\n${"  b();\n".repeat(count - 2)}}`;
  assertEquals(lint("lib/spec/glob.ts", ofLines(70)), []);
  assertEquals(lint("lib/spec/glob.ts", ofLines(71)), ["fasttrap/function-lines"]);
  assertEquals(lint("lib/spec/glob.ts", `class A { a = () => {\n${"\n".repeat(70)}}; }`), ["fasttrap/function-lines"]);
});

Deno.test("bigint() allows it in functions that say so, and nowhere else", () => {
  for (
    const source of ["const a = 1n;", "let a: bigint;", "BigInt(1);", "new BigUint64Array(1);", "a.getBigInt64(0);"]
  ) {
    assertEquals(lint("lib/spec/glob.ts", source), ["fasttrap/bigint"], source);
    assertEquals(lint("lib/spec/glob.ts", `function a() { ${source} }`), ["fasttrap/bigint"], source);
    assertEquals(lint("lib/spec/glob.ts", `function toBigInt() { ${source} }`), [], source);
    assertEquals(lint("lib/spec/glob.ts", `class A { argBigInt() { ${source} } }`), [], source);
    assertEquals(lint("lib/spec/glob.ts", `interface A { argBigInt(): bigint }`), []);
    assertEquals(lint("ffi/ffi.ts", source), [], source);
    assertEquals(lint("tests/spec/glob_test.ts", source), [], source);
  }
});

Deno.test("errors() refuses a plain Error", () => {
  assertEquals(lint("lib/spec/glob.ts", `throw new Error("a");`), ["fasttrap/errors"]);
  assertEquals(lint("lib/spec/glob.ts", `throw Error("a");`), ["fasttrap/errors"]);
  assertEquals(lint("lib/spec/glob.ts", `throw new RangeError("a"); class A extends Error {}`), []);
});

Deno.test("vocabulary() refuses the nouns of other tools in names", () => {
  for (const source of ["let hook;", "function setBreakpoint() {}", "class HookTable {}", "a.breakpoints;"]) {
    assertEquals(lint("lib/spec/glob.ts", source), ["fasttrap/vocabulary"], source);
  }
  assertEquals(lint("lib/spec/glob.ts", "// gdb would set a breakpoint\nlet tracepoint;"), []);
});
