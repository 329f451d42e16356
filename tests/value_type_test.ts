import { assertEquals } from "@std/assert";
import { extendWord, numberOfWord, type ValueType, valueTypeOf } from "../lib/value_type.ts";

Deno.test("valueTypeOf() knows the arithmetic types of C, and leaves others alone", () => {
  const rows: [name: string, kind?: ValueType["kind"], sizeBytes?: number][] = [
    ...["char", "signed char", "int8_t"].map((name): [string, ValueType["kind"], number] => [name, "signed", 1]),
    ...["unsigned char", "uint8_t", "_Bool", "bool"].map(
      (name): [string, ValueType["kind"], number] => [name, "unsigned", 1],
    ),
    ["short int", "signed", 2],
    ["unsigned short", "unsigned", 2],
    ["int", "signed", 4],
    ["unsigned", "unsigned", 4],
    ["const volatile unsigned int", "unsigned", 4],
    ["uid_t", "unsigned", 4],
    ["pid_t", "signed", 4],
    ["long", "signed", 8],
    ["long long unsigned int", "unsigned", 8],
    ["size_t", "unsigned", 8],
    ["uint64_t", "unsigned", 8],
    ["const char *", "unsigned", 8],
    ["struct stat *", "unsigned", 8],
    ["float", "float", 4],
    ["double", "float", 8],
    ["struct stat"],
    ["long double"],
    ["unknown"],
    [""],
  ];
  for (const [name, kind, sizeBytes] of rows) {
    assertEquals([name, valueTypeOf(name)], [name, kind === undefined ? undefined : { kind, sizeBytes }]);
  }
});

Deno.test("extendWord() cuts a value to its size and extends it by its sign", () => {
  const extended = (value: bigint, sizeBytes: number, signed: boolean) => {
    const word = new Uint32Array([Number(value & 0xffffffffn), Number(value >> 32n)]);
    extendWord(word, sizeBytes, signed);
    return (BigInt(word[1]!) << 32n) | BigInt(word[0]!);
  };
  const value = 0xfedc_ba98_8765_4381n;
  for (const sizeBytes of [1, 2, 4, 8]) {
    assertEquals(extended(value, sizeBytes, false), BigInt.asUintN(8 * sizeBytes, value));
    assertEquals(extended(value, sizeBytes, true), BigInt.asUintN(64, BigInt.asIntN(8 * sizeBytes, value)));
  }
});

Deno.test("numberOfWord() reads a word as its type says", () => {
  const word = new Uint32Array([5, 0xffff_ffff]);
  const all = -(2 ** 32) + 5;
  assertEquals(numberOfWord(word, undefined), all);
  assertEquals(numberOfWord(word, { kind: "signed", sizeBytes: 8 }), all);
  assertEquals(numberOfWord(word, { kind: "unsigned", sizeBytes: 8 }), 2 ** 64 - 2 ** 32);
  const double = new Uint32Array(new Float64Array([Math.PI]).buffer);
  assertEquals(numberOfWord(double, { kind: "float", sizeBytes: 8 }), Math.PI);
  const single = new Uint32Array([...new Uint32Array(new Float32Array([0.1]).buffer), 0]);
  assertEquals(numberOfWord(single, { kind: "float", sizeBytes: 4 }), Math.fround(0.1));
});
