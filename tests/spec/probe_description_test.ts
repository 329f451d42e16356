import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DTraceError } from "../../lib/errors.ts";
import {
  expandMacros,
  formatProbeDescription,
  noProbesError,
  parseProbeDescription,
  pidOfProvider,
  type ProbeField,
} from "../../lib/spec/probe_description.ts";

const PARSED: [lastField: ProbeField, text: string, formatted: string][] = [
  ["name", "entry", ":::entry"],
  ["name", "malloc:entry", "::malloc:entry"],
  ["name", "libc:malloc:entry", ":libc:malloc:entry"],
  ["name", "pid1:libc:malloc:entry", "pid1:libc:malloc:entry"],
  ["name", "pid1:::", "pid1:::"],
  ["name", ":", ":::"],
  ["name", "pid$target::main:return", "pid$target::main:return"],
  ["name", "pid$target::-:401136", "pid$target::-:401136"],
  ["name", "  pid1::a b:entry\n", "pid1::a b:entry"],
  ["name", "pid1:a.out:main.(?T).Run[[]int]:1f", "pid1:a.out:main.(?T).Run[[]int]:1f"],
  ["function", "malloc", "::malloc:"],
  ["function", "pid1:libc:malloc", "pid1:libc:malloc:"],
  ["module", "libc", ":libc::"],
  ["module", "pid1:libc", "pid1:libc::"],
  ["provider", "pid1", "pid1:::"],
];

for (const [lastField, text, formatted] of PARSED) {
  Deno.test(`parseProbeDescription() fills "${text.trim()}" from the right, up to the ${lastField}`, () => {
    assertEquals(formatProbeDescription(parseProbeDescription(text, lastField)), formatted);
  });
}

const REFUSED: [lastField: ProbeField, text: string, message: string][] = [
  ["name", "a:b:c:d:e", "it has 5 fields, and at most 4 are allowed (provider:module:function:name)"],
  ["name", "pid1::std::sort:entry", 'match a "::" of a C++ name by "??"'],
  ["function", "a:b:c:d", "it has 4 fields, and at most 3 are allowed (provider:module:function)"],
  ["module", "a:b:c", "it has 3 fields, and at most 2 are allowed (provider:module)"],
  ["provider", "a:b", "it has 2 fields, and only the provider is allowed"],
  ["name", "", "it is empty"],
  ["name", " \t", "it is empty"],
  ["name", "pid1::f:entry { trace(arg0) }", "predicates and actions are not supported"],
  ["name", "pid1::f:entry/arg0/{}", "predicates and actions are not supported"],
  ["name", "pid1::[a:entry", "a set is not closed"],
];

for (const [lastField, text, message] of REFUSED) {
  Deno.test(`parseProbeDescription() throws SyntaxError on "${text}" up to the ${lastField}`, () => {
    assertThrows(() => parseProbeDescription(text, lastField), SyntaxError, message);
  });
}

/** Expands macros in a description and writes it again. */
function expand(text: string, macros: Parameters<typeof expandMacros>[1]): string {
  return formatProbeDescription(expandMacros(parseProbeDescription(text), macros));
}

Deno.test("expandMacros() replaces known macro variables in every field", () => {
  assertEquals(expand("pid$target:lib$1:$2:entry", { target: 42, 1: "m", 2: "sin" }), "pid42:libm:sin:entry");
});

Deno.test("expandMacros() keeps the dollar signs of mangled names", () => {
  assertEquals(expand("pid1::_ZN$LT$a$u20$b$GT$1f$1:entry", { target: 42 }), "pid1::_ZN$LT$a$u20$b$GT$1f$1:entry");
});

Deno.test("expandMacros() does not look up inherited properties or expand values again", () => {
  assertEquals(expand("pid1::$toString:entry", {}), "pid1::$toString:entry");
  assertEquals(expand("pid1::$1:entry", { 1: "$2", 2: "x" }), "pid1::$2:entry");
});

Deno.test("D_MACRO_UNDEF: expandMacros() refuses an unknown macro variable in the provider", () => {
  const error = assertThrows(() => expand("pid$target::main:entry", { target: undefined }), DTraceError, "$target");
  assertEquals(error.tag, "D_MACRO_UNDEF");
  assertStringIncludes(error.hint ?? "", "-p");
  assertThrows(() => expand("pid$traget::main:entry", { target: 1 }), DTraceError, "$traget");
});

Deno.test("pidOfProvider() returns the digits at the end", () => {
  for (const [provider, pid] of [["pid1234", 1234], ["p*d7", 7], ["oneshot2", 2], ["my5provider33", 33]] as const) {
    assertEquals(pidOfProvider(provider), pid, provider);
  }
  assertEquals(pidOfProvider("pid2147483647"), 2147483647);
});

Deno.test("pidOfProvider() returns undefined for a provider without a process", () => {
  for (const provider of ["", "pidgin", "syscall", "pid*", "pid1a"]) assertEquals(pidOfProvider(provider), undefined);
});

Deno.test("D_PROC_BADPID: pidOfProvider() refuses digits that are no pid", () => {
  for (const provider of ["pid0", "pid000", "pid2147483648", `pid${"9".repeat(400)}`]) {
    const error = assertThrows(
      () => pidOfProvider(provider),
      DTraceError,
      `'${provider}' does not contain a valid pid`,
    );
    assertEquals(error.tag, "D_PROC_BADPID");
  }
});

Deno.test("D_PROC_BADPROV: pidOfProvider() refuses digits alone", () => {
  const error = assertThrows(() => pidOfProvider("1234"), DTraceError, "'1234' is not a valid provider");
  assertEquals([error.tag, error.hint], ["D_PROC_BADPROV", "For the functions of process 1234 write pid1234"]);
});

Deno.test("D_PDESC_ZERO: noProbesError() shows the whole description", () => {
  const error = noProbesError(parseProbeDescription("pid1::f:entry"), "a hint");
  assertEquals(
    [error.tag, error.message, error.hint],
    ["D_PDESC_ZERO", "probe description pid1::f:entry does not match any probes", "a hint"],
  );
});
