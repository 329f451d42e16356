import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { cString, cStrings, FT_ABI, openKernel, openKernelFromBytes, SYMBOLS } from "../../ffi/ffi.ts";
import { SystemError } from "../../lib/errors.ts";
import { runDeno } from "./child.ts";

const HEADER = new URL("../../ffi/fasttrap.h", import.meta.url);
const MODULE = new URL("../../ffi/ffi.ts", import.meta.url);
const LIBRARY = new URL("../../build/libfasttrap.so", import.meta.url);

/** A prototype of the header. */
interface Prototype {
  /** On one line, without `FT_API`. */
  text: string;
  parameters: string[];
  result: string;
}

/** The FFI type that a C declaration of a parameter, or a result's type, must have in the table. */
function ffiType(declaration: string): string {
  if (/[*[]/.test(declaration)) return "buffer";
  const type = declaration.split(" ")[0] ?? "";
  return { int32_t: "i32", uint32_t: "u32", double: "f64" }[type] ?? `unknown type ${declaration}`;
}

/** The prototypes of fasttrap.h by name. */
function readPrototypes(): Map<string, Prototype> {
  const prototypes = new Map<string, Prototype>();
  for (const match of Deno.readTextFileSync(HEADER).matchAll(/^FT_API (\w+) (\w+)\(([^)]*)\);/gm)) {
    const [, result = "", name = "", list = ""] = match;
    const parameters = list.replaceAll(/\s+/g, " ");
    prototypes.set(name, {
      text: `${result} ${name}(${parameters})`,
      parameters: parameters === "void" ? [] : parameters.split(", ").map(ffiType),
      result: ffiType(result),
    });
  }
  return prototypes;
}

Deno.test("SYMBOLS describes exactly the functions of fasttrap.h", () => {
  const expected = [...readPrototypes()].map(([name, { parameters, result }]) => [name, parameters, result]);
  const actual = Object.entries(SYMBOLS).map(([name, { parameters, result }]) => [name, [...parameters], result]);
  assertEquals(actual, expected);
  assertEquals(expected.length, (Deno.readTextFileSync(HEADER).match(/^FT_API /gm) ?? []).length);
});

Deno.test("SYMBOLS has each prototype of fasttrap.h as its comment", () => {
  const source = Deno.readTextFileSync(MODULE).replaceAll(/\n {2}\/\/ +(?=const|int32_t in)/g, " ");
  for (const [name, { text }] of readPrototypes()) assertStringIncludes(source, `// ${text}\n  ${name}: {`);
});

Deno.test("SYMBOLS leaves the JavaScript thread with ft_wait_pool only", () => {
  const nonblocking = Object.entries(SYMBOLS).filter(([, symbol]) => "nonblocking" in symbol).map(([name]) => name);
  assertEquals(nonblocking, ["ft_wait_pool"]);
});

Deno.test("FT_ABI is that of fasttrap.h and of the library", () => {
  assertEquals(/^#define FT_ABI (\d+)$/m.exec(Deno.readTextFileSync(HEADER))?.[1], String(FT_ABI));
  using kernel = openKernel();
  assertEquals(kernel.call.ft_abi(), FT_ABI);
});

Deno.test("Kernel.check() passes results on and throws SystemError with the errno's name", () => {
  using kernel = openKernel();
  assertEquals(kernel.check(0, "test", "nothing"), 0);
  assertEquals(kernel.check(7, "test", "nothing"), 7);
  const error = assertThrows(() => kernel.check(-10, "wait for", "process 1"), SystemError);
  assertEquals(error.errno, "ECHILD");
  assertEquals(error.message, "Cannot wait for process 1: ECHILD");
});

Deno.test("cString() ends UTF-8 with a NUL and refuses one inside", () => {
  assertEquals(cString("é"), new Uint8Array([0xc3, 0xa9, 0]));
  assertEquals(cString(""), new Uint8Array([0]));
  assertThrows(() => cString("a\0b"), TypeError, "contains a NUL");
});

Deno.test("cStrings() puts strings one after the other, empty ones too", () => {
  assertEquals(cStrings(["a", "", "b"]), new Uint8Array([97, 0, 0, 98, 0]));
  assertEquals(cStrings([]), new Uint8Array(0));
  assertThrows(() => cStrings(["a", "b\0"]), TypeError);
});

Deno.test("Kernel.call throws TypeError when the library has been unloaded", () => {
  const kernel = openKernel();
  assert(kernel.call.ft_clock_ns() > 0);
  kernel[Symbol.dispose]();
  assertThrows(() => kernel.call.ft_clock_ns(), TypeError, "Cannot call ft_clock_ns: the session is closed");
});

Deno.test("openKernel() says how to build a library that is missing", () => {
  const error = assertThrows(() => openKernel("/nonexistent/libfasttrap.so"), SystemError);
  assertEquals(error.message, "Cannot load /nonexistent/libfasttrap.so: ENOENT");
  assertEquals(error.hint, "run: deno task build");
});

Deno.test("openKernel() refuses a file that is no library", () => {
  const error = assertThrows(() => openKernel(HEADER), SystemError);
  assertMatch(error.message, /^Cannot load \/.*\/fasttrap\.h: ELIBBAD$/);
});

Deno.test("openKernel() refuses a library with another ABI", () => {
  const bytes = Deno.readFileSync(LIBRARY);
  const folder = Deno.makeTempDirSync();
  try {
    const source = `${folder}/other.c`, other = `${folder}/other.so`;
    const stubs = Object.keys(SYMBOLS).map((name) => `int ${name}(void) { return 99; }`);
    Deno.writeTextFileSync(source, stubs.join("\n"));
    assertEquals(new Deno.Command("cc", { args: ["-shared", "-fPIC", "-o", other, source] }).outputSync().code, 0);
    const error = assertThrows(() => openKernel(other), SystemError);
    assertStringIncludes(error.message, `(it has ABI 99, this program needs ${FT_ABI})`);
    assertThrows(() => openKernelFromBytes(bytes.subarray(0, 100)), SystemError, "the embedded C library");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("openKernel() and openKernelFromBytes() need --allow-ffi and nothing else", async () => {
  const bytes = Deno.readFileSync(LIBRARY).toBase64();
  const code = `
    import { openKernel, openKernelFromBytes } from ${JSON.stringify(MODULE.href)};
    using kernel = openKernel(new URL(${JSON.stringify(LIBRARY.href)}));
    const embedded = openKernelFromBytes(Uint8Array.fromBase64("${bytes}"));
    const ids = new Int32Array(7);
    console.log(kernel.call.ft_self(ids), embedded.call.ft_self(ids), ids[4]);
    embedded[Symbol.dispose]();
    const names = new Uint8Array(65536);
    const length = kernel.call.ft_list_directory(new TextEncoder().encode("/proc/self/fd\\0"), names, names.length);
    const target = new Uint8Array(100);
    for (const fd of new TextDecoder().decode(names.subarray(0, length)).split("\\0").slice(0, -1)) {
      target.fill(0);
      kernel.call.ft_read_link(new TextEncoder().encode("/proc/self/fd/" + fd + "\\0"), target, target.length);
      if (new TextDecoder().decode(target).startsWith("/memfd:libfasttrap")) console.log("left open");
    }`;
  const run = await runDeno(["--allow-ffi"], code);
  assertEquals(run.stderr, "");
  assertMatch(run.stdout, /^0 0 \d+\n$/);
});

Deno.test("openKernel() surfaces Deno's NotCapable without --allow-ffi", async () => {
  const code = `
    import { openKernel, openKernelFromBytes } from ${JSON.stringify(MODULE.href)};
    for (const open of [openKernel, () => openKernelFromBytes(new Uint8Array(8))]) {
      try {
        open();
      } catch (error) {
        console.log(error instanceof Deno.errors.NotCapable);
      }
    }`;
  assertEquals(await runDeno([], code), { code: 0, stdout: "true\ntrue\n", stderr: "" });
});

Deno.test("openKernel() follows FASTTRAP_LIB where reading it is permitted", async () => {
  const code = `
    import { openKernel } from ${JSON.stringify(MODULE.href)};
    Deno.env.set("FASTTRAP_LIB", "/nonexistent/chosen.so");
    try {
      openKernel();
    } catch (error) {
      console.log(error.message);
    }`;
  const run = await runDeno(["--allow-ffi", "--allow-env=FASTTRAP_LIB"], code);
  assertEquals(run.stdout, "Cannot load /nonexistent/chosen.so: ENOENT\n");
});
