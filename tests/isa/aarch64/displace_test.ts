/** The contents of A64 slots, word by word. */

import { assertEquals } from "@std/assert";
import { type Address, toAddress } from "../../../lib/address.ts";
import { decode } from "../../../lib/isa/aarch64/decode.ts";
import { displace } from "../../../lib/isa/aarch64/displace.ts";
import type { Displacement } from "../../../lib/isa/isa.ts";
import { bytesOf } from "./cpu.ts";

const PC = toAddress(0xaaaa_9000_0000);
const NEAR = toAddress(0xaaaa_9000_1000);
const APART = toAddress(0xaaaa_9400_0000);

function displaceWord(word: number, slot: Address = NEAR): Displacement | undefined {
  return displace(decode(bytesOf(word), 0, PC)!, bytesOf(word), slot);
}

function wordsOf({ code }: Displacement): string {
  return [...new Uint32Array(code.buffer)].map((word) => word.toString(16).padStart(8, "0")).join(" ");
}

Deno.test("displace() writes aarch64 slots", () => {
  const rows = [
    ["mov x29,sp", 0x9100_03fd, "910003fd 17fffc00"],
    ["b .+0x100", 0x1400_0040, "17fffc40"],
    ["b.ne .+0x100", 0x5400_0801, "54000041 17fffc00 17fffc3e"],
    ["cbnz x3,.+0x100", 0xb500_0803, "b5000043 17fffc00 17fffc3e"],
    ["tbz w3,#31,.+0x100", 0x36f8_0803, "36f80043 17fffc00 17fffc3e"],
    ["bl .+0x100", 0x9400_0040, "5800005e 17fffc3f 90000004 0000aaaa"],
    ["blr x8", 0xd63f_0100, "5800005e d61f0100 90000004 0000aaaa"],
    ["blraa x8,x9", 0xd73f_0909, "5800005e d71f0909 90000004 0000aaaa"],
    ["ret", 0xd65f_03c0, "d65f03c0"],
    ["retaa", 0xd65f_0bff, "d65f0bff"],
    ["br x17", 0xd61f_0220, "d61f0220"],
    ["adr x3,.+0x10001", 0x3008_0003, "58000043 17fffc00 90010001 0000aaaa"],
    ["adrp x3,.+0x1000", 0xb000_0003, "58000043 17fffc00 90001000 0000aaaa"],
    ["ldr x3,.+0x100", 0x5800_0803, "58ff8803 17fffc00"],
    ["ldr q3,.+0x100", 0x9c00_0803, "9cff8803 17fffc00"],
    ["prfm pldl1keep,.+0x100", 0xd800_0800, "d8ff8800 17fffc00"],
  ] as const;
  for (const [assembly, word, slot] of rows) assertEquals(wordsOf(displaceWord(word)!), slot, assembly);
});

Deno.test("displace() loads literals through their own register in aarch64 slots that are far", () => {
  const constant = "90000100 0000aaaa";
  const rows = [
    ["ldr w3,.+0x100", 0x1800_0803, `58000063 b9400063 16ffffff ${constant}`],
    ["ldr x3,.+0x100", 0x5800_0803, `58000063 f9400063 16ffffff ${constant}`],
    ["ldrsw x3,.+0x100", 0x9800_0803, `58000063 b9800063 16ffffff ${constant}`],
    ["prfm pldl1keep,.+0x100", 0xd800_0800, "d503201f 17000000"],
  ] as const;
  for (const [assembly, word, slot] of rows) {
    assertEquals(wordsOf(displaceWord(word, APART)!), slot, assembly);
  }
});

Deno.test("displace() refuses what an aarch64 copy elsewhere cannot do", () => {
  const rows = [
    ["brk #0", 0xd420_0000, NEAR],
    ["svc #0", 0xd400_0001, NEAR],
    ["ldxr x0,[x2]", 0xc85f_7c40, NEAR],
    ["blr x30", 0xd63f_03c0, NEAR],
    ["blraa x8,x30", 0xd73f_091e, NEAR],
    ["ldr q3,.+0x100", 0x9c00_0803, APART],
    ["ldr xzr,.+0x100", 0x5800_081f, APART],
    ["b .-0x8000000", 0x1600_0000, NEAR],
    ["bl .-0x8000000", 0x9600_0000, NEAR],
    ["tbz w0,#0,.-0x8000", 0x3604_0000, toAddress(PC + 2 ** 27 - 0x100)],
    ["nop", 0xd503_201f, toAddress(PC + 2 ** 27 + 0x100)],
  ] as const;
  for (const [assembly, word, slot] of rows) assertEquals(displaceWord(word, slot), undefined, assembly);
});

Deno.test("displace() says what the program may know at each instruction of an aarch64 slot", () => {
  const at = (offset: number, pc: number, done: boolean) => ({
    offset,
    pc: toAddress(PC + pc),
    done,
    stackBytes: 0,
    pcRegister: -1,
    isHeld: false,
  });
  const rows = [
    ["nop", 0xd503_201f, [at(0, 0, false), at(4, 4, true)]],
    ["b .+0x100", 0x1400_0040, [at(0, 0, false)]],
    ["b.ne .+0x100", 0x5400_0801, [at(0, 0, false), at(4, 4, true), at(8, 0x100, true)]],
    ["bl .+0x100", 0x9400_0040, [at(0, 0, false), at(4, 0, false)]],
    ["blr x8", 0xd63f_0100, [at(0, 0, false), at(4, 0, false)]],
    ["ret", 0xd65f_03c0, [at(0, 0, false)]],
    ["adrp x3,.+0x1000", 0xb000_0003, [at(0, 0, false), at(4, 4, true)]],
  ] as const;
  for (const [assembly, word, resume] of rows) {
    assertEquals(displaceWord(word)!.resume as unknown, resume, assembly);
  }
});
