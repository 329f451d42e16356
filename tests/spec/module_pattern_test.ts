import { assertEquals, assertThrows } from "@std/assert";
import { compileModulePattern, type ModuleIdentity, moduleNameOf } from "../../lib/spec/module_pattern.ts";

const MODULES: ModuleIdentity[] = [
  { name: "sort", isExecutable: true, linkMap: 0 },
  { name: "libc.so.6", isExecutable: false, linkMap: 0 },
  { name: "libcrypto.so.3", isExecutable: false, linkMap: 0 },
  { name: "ld-linux-x86-64.so.2", isExecutable: false, linkMap: 0 },
  { name: "libc.so.6", isExecutable: false, linkMap: 0x1a },
];

const CASES: [pattern: string, matching: string[]][] = [
  ["", ["sort", "libc.so.6", "libcrypto.so.3", "ld-linux-x86-64.so.2", "1a`libc.so.6"]],
  ["*", ["sort", "libc.so.6", "libcrypto.so.3", "ld-linux-x86-64.so.2", "1a`libc.so.6"]],
  ["a.out", ["sort"]],
  ["sort", ["sort"]],
  ["libc", ["libc.so.6", "1a`libc.so.6"]],
  ["libc.so", ["libc.so.6", "1a`libc.so.6"]],
  ["libc.so.6", ["libc.so.6", "1a`libc.so.6"]],
  ["lib", []],
  ["libc.", []],
  ["libc.s", []],
  ["LIBC", []],
  ["libc*", ["libc.so.6", "libcrypto.so.3", "1a`libc.so.6"]],
  ["libc.so.?", ["libc.so.6", "1a`libc.so.6"]],
  ["libc?so", []],
  ["a*", []],
  ["/usr/lib/x86_64-linux-gnu/libcrypto.so.3", ["libcrypto.so.3"]],
  ["LM0`libc", ["libc.so.6"]],
  ["LM1a`libc.so.6", ["1a`libc.so.6"]],
  ["LM1a`", ["1a`libc.so.6"]],
  ["LM2`libc", []],
  ["LM1?`libc*", ["1a`libc.so.6"]],
  ["LM*", ["1a`libc.so.6"]],
];

for (const [pattern, matching] of CASES) {
  Deno.test(`compileModulePattern() matches "${pattern}" by libdtrace's rules`, () => {
    const found = MODULES.filter(compileModulePattern(pattern));
    assertEquals(found.map(({ name, linkMap }) => linkMap ? `${linkMap.toString(16)}\`${name}` : name), matching);
  });
}

Deno.test("compileModulePattern() throws SyntaxError on a malformed glob", () => {
  assertThrows(() => compileModulePattern("lib[c"), SyntaxError);
});

Deno.test("moduleNameOf() cuts a path to its base name", () => {
  assertEquals(["/usr/bin/sort", "sort", "a/", ""].map(moduleNameOf), ["sort", "sort", "", ""]);
});
