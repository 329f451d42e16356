import { assertEquals } from "@std/assert";
import { type ConversionContext, formatConversion } from "../../../lib/consumer/records/conversion.ts";
import { formatPrint } from "../../../lib/consumer/records/print_format.ts";
import type { Datum } from "../../../lib/d/run/datum.ts";
import { halvesOf, makeRandom, randomBigInt } from "../../d/random.ts";
import { CONTEXT, numberDatum, stringDatum } from "./data.ts";

/** Prints a datum by a conversion such as `-8.3d`. */
function print(conversion: string, datum: Datum, context: ConversionContext = CONTEXT): string {
  const [, flags, width, precision, name] = /^([-+ #0']*)(\d*)(?:\.(\d*))?(\w+)$/.exec(conversion)!;
  const spec = {
    name: name!,
    flags: flags!,
    width: Number(width),
    precision: precision === undefined ? undefined : Number(precision),
  };
  return formatConversion(datum, spec, context);
}

/** What bash's `printf`, which is C's, makes of values: the oracle. */
async function printed(calls: readonly { conversion: string; value: string }[]): Promise<string[]> {
  const script = calls.map(({ conversion, value }) => `printf '%${conversion}\\n' '${value}'`).join("\n");
  const { stdout, success } = await new Deno.Command("bash", { args: ["-c", script], env: { LC_ALL: "C" } }).output();
  assertEquals(success, true);
  return new TextDecoder("latin1").decode(stdout).split("\n").slice(0, -1);
}

/** Flags, a width and a precision. */
function randomField(random: () => number): string {
  const flags = Array.from("-+ #0", (flag) => random() % 3 === 0 ? flag : "").join("");
  const width = random() % 2 === 0 ? "" : String(1 + random() % 24);
  return flags + width + (random() % 2 === 0 ? "" : `.${random() % 24}`);
}

Deno.test("formatConversion() prints integers as C does", async () => {
  const random = makeRandom(5);
  const calls = Array.from({ length: 1500 }, () => {
    const name = "diuoxX"[random() % 6]!;
    const value = randomBigInt(random);
    return { conversion: randomField(random) + name, value: String(value), number: value };
  });
  const expected = await printed(calls);
  calls.forEach(({ conversion, number }, index) => {
    assertEquals(print(conversion, numberDatum(number)), expected[index], `%${conversion} of ${number}`);
  });
});

Deno.test("formatConversion() prints floating-point numbers as C does", async () => {
  const random = makeRandom(6);
  const special = [0, -0, 1, 0.5, 1e21, 1e22, -1e300, 5e-324, 123456, 1234567, 0.0001, 0.00001, 9.9999995, 99999.95];
  const calls = Array.from({ length: 1000 }, (_, index) => {
    const value = special[index] ?? (random() - 2 ** 31) * 10 ** (random() % 40 - 25);
    const conversion = randomField(random).replace(/\.\d+/, (text) => `.${Number(text.slice(1)) % 12}`) +
      "eEfgG"[random() % 5];
    return { conversion, value: Object.is(value, -0) ? "-0" : String(value), number: value };
  });
  // Bash computes with 80 bits: the exact decimal expansion of the double keeps it from rounding otherwise.
  const expected = await printed(calls.map((call) => ({ ...call, value: exactDigits(call.number) })));
  calls.forEach(({ conversion, number }, index) => {
    assertEquals(print(conversion, { kind: "float", value: number }), expected[index], `%${conversion} of ${number}`);
  });
});

/** A double in hexadecimal, which C reads exactly. */
function exactDigits(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = (bits & 0xfffffffffffffn).toString(16).padStart(13, "0");
  const sign = bits >> 63n ? "-" : "";
  return `${sign}0x${exponent === 0 ? 0 : 1}.${fraction}p${exponent === 0 ? -1022 : exponent - 1023}`;
}

Deno.test("formatConversion() prints infinities and what is no number as C does", () => {
  assertEquals(print("8f", { kind: "float", value: Infinity }), "     inf");
  assertEquals(print("-8E", { kind: "float", value: -Infinity }), "-INF    ");
  assertEquals(print("08g", { kind: "float", value: NaN }), "     nan");
});

Deno.test("formatConversion() prints strings as C does", async () => {
  const random = makeRandom(7);
  const calls = Array.from({ length: 200 }, () => {
    const value = "abc défg"[random() % 2] === "a" ? "malloc" : "ré";
    return { conversion: randomField(random).replace(/[+ #0]/g, "") + "s", value };
  });
  const expected = await printed(calls);
  calls.forEach(({ conversion, value }, index) => assertEquals(print(conversion, stringDatum(value)), expected[index]));
});

Deno.test("formatConversion() takes size and sign of a number from its type", () => {
  assertEquals(print("x", numberDatum(-1n, 1)), "ff");
  assertEquals(print("x", numberDatum(-1n, 2)), "ffff");
  assertEquals(print("X", numberDatum(-1n, 4)), "FFFFFFFF");
  assertEquals(print("u", numberDatum(-1n, 4)), "4294967295");
  assertEquals(print("o", numberDatum(-1n, 8)), "1777777777777777777777");
  assertEquals(print("d", numberDatum(2n ** 64n - 1n, 8, false)), "18446744073709551615");
  assertEquals(print("+d", numberDatum(5n, 4, false)), "5");
  assertEquals(print("p", numberDatum(0x7fff_1234n)), "7fff1234");
});

Deno.test("formatConversion() prints characters, and those that cannot be printed as C writes them", () => {
  assertEquals(print("c", numberDatum(97n)), "a");
  assertEquals(print("3c", numberDatum(0x161n)), "  a");
  assertEquals(print("wc", numberDatum(0x20acn)), "\xe2\x82\xac");
  assertEquals(print("C", numberDatum(10n)), "\\n");
  assertEquals(print("C", numberDatum(0n)), "\\0");
  assertEquals(print("C", numberDatum(0x9bn)), "\\233");
  assertEquals(print("S", stringDatum('a"b\\\t\x1b')), '\\"'.replace(/^/, "a") + "b\\\\\\t\\033");
  assertEquals(
    print("ws", { kind: "bytes", bytes: Uint8Array.of(97, 0, 0, 0, 0xe9, 0, 0, 0, 0, 0, 0, 0) }),
    "a\xc3\xa9",
  );
});

Deno.test("formatConversion() prints arrays of characters up to their NUL", () => {
  assertEquals(print("s", { kind: "bytes", bytes: Uint8Array.of(97, 98, 0, 99) }), "ab");
});

Deno.test("formatConversion() prints addresses and stacks by their names", () => {
  const stack: Datum = { kind: "stack", pid: 7, frames: [0x1010, 0x2000, 0x9000] };
  assertEquals(
    print("k", stack),
    "\n              libc.so.6`malloc+0x10\n              a.out`0x2000\n              0x9000\n",
  );
  assertEquals(print("2k", stack), "\n  libc.so.6`malloc+0x10\n  a.out`0x2000\n  0x9000\n");
  assertEquals(print("A", numberDatum(0x1010n)), "libc.so.6`malloc+0x10");
  assertEquals(print("a", numberDatum(0x1010n)), "0x1010");
  assertEquals(print("20s", { kind: "symbol", of: "usym", pid: 7, address: 0x1010 }), "    libc.so.6`malloc");
  assertEquals(print("s", { kind: "symbol", of: "umod", pid: 7, address: 0x2000 }), "a.out");
});

Deno.test("formatConversion() prints moments in the local time", () => {
  const noon = numberDatum(1_709_301_727n * 1_000_000_000n, 8, false);
  assertEquals(print("Y", noon), "2024 Mar  1 14:02:07");
  assertEquals(print("22Y", noon), "  2024 Mar  1 14:02:07");
  assertEquals(print("T", noon), "Fri, 01 Mar 2024 14:02:07 UTC");
  const clock = { zone: () => ({ offsetSeconds: 3600, name: "CET" }) };
  assertEquals(print("T", noon, { ...CONTEXT, clock }), "Fri, 01 Mar 2024 15:02:07 CET");
});

Deno.test("formatPrint() takes widths and precisions from arguments", () => {
  const source = { kind: "argument", index: 2 } as const;
  const conversion = {
    kind: "conversion",
    name: "d",
    size: "",
    flags: "",
    width: { kind: "argument", index: 0 },
    precision: { kind: "argument", index: 1 },
    source,
  } as const;
  const text = { kind: "text", bytes: Uint8Array.of(0x3c, 0xff) } as const;
  const data = (
    width: bigint,
    precision: bigint,
  ) => [numberDatum(width, 4), numberDatum(precision, 4), numberDatum(7n)];
  assertEquals(formatPrint([text, conversion], data(6n, 3n), CONTEXT), "<\xff   007");
  assertEquals(formatPrint([conversion, text], data(-6n, 2n), CONTEXT), "07    <\xff");
  assertEquals(formatPrint([conversion], data(3n, -1n), CONTEXT), "  7");
});

Deno.test("halvesOf() of the tests splits what formatConversion() joins", () => {
  assertEquals(halvesOf(-2n), { lo: 0xfffffffe, hi: 0xffffffff });
});
