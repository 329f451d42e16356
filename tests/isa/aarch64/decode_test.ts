/** What the decoder refuses, and what it never does. */

import { assert, assertEquals } from "@std/assert";
import { toAddress } from "../../../lib/address.ts";
import { CONTEXT_BYTES, contextRefusal, decode } from "../../../lib/isa/aarch64/decode.ts";
import { Random } from "../x86_64/random.ts";
import { bytesOf } from "./cpu.ts";

const PC = toAddress(0xaaaa_0000_1008);
const NOP = 0xd503_201f;
const LDXR = 0xc85f_7c40; // ldxr x0,[x2]
const STXR = 0xc801_7c40; // stxr w1,x0,[x2]
const CLREX = 0xd503_3f5f;
const CBNZ = 0x35ff_ffa1; // cbnz w1,.-12

for (
  const [assembly, word, reason] of [
    ["udf #0", 0x0000_0000, "it is udf, which always fails"],
    ["brk #0", 0xd420_0000, "it is brk, which debuggers use"],
    ["brk #0xfa5", 0xd421_f4a0, "it is brk, which debuggers use"],
    ["hlt #1", 0xd440_0020, "it is hlt, which debuggers use"],
    ["hvc #0", 0xd400_0002, "only the kernel can use it"],
    ["smc #0", 0xd400_0003, "only the kernel can use it"],
    ["dcps1", 0xd4a0_0001, "only the kernel can use it"],
    ["eret", 0xd69f_03e0, "only the kernel can use it"],
    ["eretaa", 0xd69f_0bff, "only the kernel can use it"],
    ["tstart x0", 0xd523_3060, "it is tstart, whose transaction a trap would abort"],
    ["tcancel #0", 0xd460_0000, "it is tcancel, which ends a transaction"],
    ["retaasppc .", 0x5500_001f, "it signs with its own address"],
    ["retaasppcr x1", 0xd65f_0be1, "it signs with its own address"],
    ["paciasppc", 0xdac1_a3fe, "it signs with its own address"],
    ["autiasppcr x5", 0xdac1_90be, "it signs with its own address"],
    ["autiasppc .", 0xf380_001f, "it signs with its own address"],
    ["ldxr x0,[x2]", LDXR, "it is an exclusive access, which a trap would make fail for ever"],
    ["stxr w1,x0,[x2]", STXR, "it is an exclusive access, which a trap would make fail for ever"],
    ["ldaxrb w0,[x2]", 0x085f_fc40, "it is an exclusive access, which a trap would make fail for ever"],
    ["stlxp w1,x0,x3,[x2]", 0xc821_8c40, "it is an exclusive access, which a trap would make fail for ever"],
    ["casp x0,x1,x4,x5,[x2]", 0x4820_7c44, undefined],
    ["casal x0,x1,[x2]", 0xc8e0_fc41, undefined],
    ["ldar x0,[x2]", 0xc8df_fc40, undefined],
    ["ldadd x1,x0,[x2]", 0xf821_0040, undefined],
    ["svc #0", 0xd400_0001, undefined],
    ["paciasp", 0xd503_233f, undefined],
    ["retaa", 0xd65f_0bff, undefined],
    ["mrs x0,tpidr_el0", 0xd53b_d040, undefined],
  ] as const
) {
  Deno.test(`decode() ${reason === undefined ? "allows" : "refuses"} ${assembly}`, () => {
    const found = decode(bytesOf(word), 0, PC);
    assertEquals(found?.refusal, reason);
  });
}

Deno.test("decode() knows no aarch64 instruction of unallocated groups, of a part, or at an odd address", () => {
  for (const word of [0x0001_0000, 0x0212_3456, 0x0600_0000, 0xdc00_0000, 0x7400_0000, 0xd61e_0000, 0xd580_0000]) {
    assertEquals(decode(bytesOf(word), 0, PC), undefined, word.toString(16));
  }
  assertEquals(decode(bytesOf(NOP).subarray(0, 3), 0, PC), undefined);
  assertEquals(decode(bytesOf(NOP), 1, PC), undefined);
  assertEquals(decode(bytesOf(NOP), 0, toAddress(PC + 2)), undefined);
});

Deno.test("decode() tells no aarch64 target that is no address", () => {
  const backwards = decode(bytesOf(0x17ff_fffe), 0, toAddress(4)); // b .-8
  assertEquals([backwards?.flow, backwards?.target], ["jump", undefined]);
});

Deno.test("decode() tells the constants that aarch64 literals load", () => {
  const rows = [
    ["ldr w0", 0x1800_0040, 4],
    ["ldr x0", 0x5800_0040, 8],
    ["ldrsw x0", 0x9800_0040, 4],
    ["ldr s0", 0x1c00_0040, 4],
    ["ldr d0", 0x5c00_0040, 8],
    ["ldr q0", 0x9c00_0040, 16],
  ] as const;
  for (const [assembly, word, sizeBytes] of rows) {
    assertEquals(decode(bytesOf(word), 0, PC)?.literal, { address: toAddress(PC + 8), sizeBytes }, assembly);
  }
  for (const word of [0xd800_0040, 0x1000_0040, NOP]) assertEquals(decode(bytesOf(word), 0, PC)?.literal, undefined);
});

Deno.test("decode() never throws on random aarch64 words", () => {
  const random = new Random(31);
  let instructions = 0;
  for (let i = 0; i < 200_000; i++) {
    const code = random.bytes(4);
    const found = decode(code, 0, toAddress(4 * random.below(2 ** 30)));
    if (found === undefined) continue;
    instructions++;
    assertEquals(found.length, 4);
    assert((found.target === undefined) || ["jump", "branch", "call"].includes(found.flow));
    assertEquals(found.flow === "other" && found.refusal === undefined, false);
  }
  assert(instructions > 100_000);
});

Deno.test("contextRefusal() refuses what stands between exclusive accesses, fasttrap rule 149", () => {
  const reason = "it stands between exclusive accesses, which a trap would make fail for ever";
  const loop = bytesOf(NOP, LDXR, NOP, NOP, STXR, CBNZ, NOP);
  assertEquals([0, 2, 3, 5, 6].map((index) => contextRefusal(loop, 4 * index)), [
    undefined,
    reason,
    reason,
    undefined,
    undefined,
  ]);
  // One that is given up, one whose halves are too far apart, and one without an end.
  assertEquals(contextRefusal(bytesOf(LDXR, NOP, CLREX), 4), undefined);
  assertEquals(contextRefusal(bytesOf(LDXR, CLREX, NOP, STXR), 8), undefined);
  assertEquals(contextRefusal(bytesOf(LDXR, ...new Array(32).fill(NOP), STXR), 4 * 32), reason);
  assertEquals(contextRefusal(bytesOf(LDXR, ...new Array(40).fill(NOP), STXR), 4 * 36), undefined);
  assertEquals(contextRefusal(bytesOf(LDXR, NOP, LDXR, STXR), 4), undefined);
  assertEquals(contextRefusal(bytesOf(NOP), 0), undefined);
  assertEquals(CONTEXT_BYTES, 128);
});
