import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DTraceError } from "../../lib/errors.ts";
import { checkOffset, compileProbeName, parseAddressName } from "../../lib/spec/probe_name.ts";

Deno.test("compileProbeName() knows entry and return", () => {
  assertEquals(compileProbeName("entry"), { entry: true, return: false, offset: undefined, matchesOffset: undefined });
  assertEquals(compileProbeName("return"), { entry: false, return: true, offset: undefined, matchesOffset: undefined });
});

Deno.test("compileProbeName() parses offsets in lower-case hexadecimal digits", () => {
  for (const [name, offset] of [["0", 0], ["1f", 0x1f], ["10", 0x10], ["add", 0xadd], ["401136", 0x401136]] as const) {
    const pattern = compileProbeName(name);
    assertEquals([pattern.entry, pattern.return, pattern.offset], [false, false, offset], name);
  }
});

Deno.test("compileProbeName() takes the empty name and a star for everything", () => {
  for (const name of ["", "*"]) {
    const pattern = compileProbeName(name);
    assert(pattern.entry && pattern.return && pattern.matchesOffset?.(0) && pattern.matchesOffset(0x1f), name);
  }
});

Deno.test("compileProbeName() matches a glob against entry, return and offsets", () => {
  const ends = compileProbeName("*y");
  assertEquals([ends.entry, ends.return, ends.matchesOffset?.(0x1f)], [true, false, false]);
  const ones = compileProbeName("1?");
  assertEquals([ones.entry, ones.return], [false, false]);
  assertEquals([1, 0x10, 0x1f, 0x20, 0x100].filter(ones.matchesOffset!), [0x10, 0x1f]);
});

Deno.test("D_PROC_NAME: compileProbeName() refuses what is neither a keyword, an offset nor a glob", () => {
  for (const name of ["foo", "Entry", "-1", "1.5", "0x", " 1", "1 ", "f".repeat(14)]) {
    const error = assertThrows(() => compileProbeName(name), DTraceError, `'${name}' is an invalid probe name`);
    assertEquals(error.tag, "D_PROC_NAME", name);
    assertStringIncludes(error.hint ?? "", "entry, return, or the offset", name);
  }
});

Deno.test("D_PROC_NAME: compileProbeName() says how an offset is written", () => {
  for (const name of ["1F", "0x1f", "0X1F", "01f"]) {
    const error = assertThrows(() => compileProbeName(name), DTraceError);
    assertEquals([error.tag, error.hint], ["D_PROC_NAME", "Offsets are lower-case hexadecimal digits: write 1f"], name);
  }
});

Deno.test("parseAddressName() parses an absolute address", () => {
  assertEquals([parseAddressName("401136"), parseAddressName("7ffff7c9f000")], [0x401136, 0x7ffff7c9f000]);
});

Deno.test("D_PROC_NAME: parseAddressName() refuses globs, keywords and what is no address", () => {
  for (const name of ["", "*", "4011[34]6"]) {
    const error = assertThrows(() => parseAddressName(name), DTraceError, "only individual addresses");
    assertEquals(error.tag, "D_PROC_NAME");
  }
  for (const name of ["entry", "0x401136", "ffffffffff600000"]) {
    assertEquals(assertThrows(() => parseAddressName(name), DTraceError, "invalid probe name").tag, "D_PROC_NAME");
  }
});

const FUNCTION = { name: "f", sizeBytes: 0x20, isInstruction: (offset: number) => offset % 4 === 0 };

Deno.test("checkOffset() passes on the start of an instruction", () => {
  checkOffset(0, FUNCTION);
  checkOffset(0x1c, FUNCTION);
});

Deno.test("D_PROC_OFF: checkOffset() refuses an offset past the function", () => {
  for (const offset of [0x20, 0x1000]) {
    const error = assertThrows(() => checkOffset(offset, FUNCTION), DTraceError, "outside of function 'f'");
    assertEquals([error.tag, error.hint], ["D_PROC_OFF", "The function has 0x20 bytes"]);
  }
});

Deno.test("D_PROC_ALIGN: checkOffset() refuses an offset inside an instruction", () => {
  const error = assertThrows(
    () => checkOffset(0x1e, FUNCTION),
    DTraceError,
    "offset 0x1e is not aligned on an instruction",
  );
  assertEquals(error.tag, "D_PROC_ALIGN");
});
