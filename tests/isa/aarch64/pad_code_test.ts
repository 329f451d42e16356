/** Pads of aarch64 that capture, and that tally: their instructions, and that binutils read them as they are meant. */

import { assert, assertEquals } from "@std/assert";
import { toAddress } from "../../../lib/address.ts";
import { makePad } from "../../../lib/isa/aarch64/pad.ts";
import { findWindow } from "../../../lib/isa/aarch64/window.ts";
import type { PadAction, PadCode } from "../../../lib/isa/jumps.ts";
import { bytesOf, isInstalled } from "./cpu.ts";
import { disassemble, type Line, OBJDUMP } from "./listing.ts";
import { MEMORY, SITE } from "./pad_memory.ts";

const CAPTURES: PadAction = {
  ...{ kind: "record", counterOffset: 8, site: 0x12_3456, values: "results" },
  captures: [
    { kind: "string", argument: 1, sizeBytes: 64, through: [16], offsetBytes: -8 },
    { kind: "stack", sizeBytes: 16 },
  ],
};
const TALLY: PadAction = {
  ...{ kind: "tally", counterOffset: 0x1008 },
  tallied: [
    {
      value: { place: { kind: "register", register: 0 }, sizeBytes: 8, signed: true },
      ...{ sumOffset: 8, minOffset: 16, maxOffset: 24, bucketsOffset: 0x400 },
    },
    { value: { place: { kind: "register", register: 32 }, sizeBytes: 4, signed: true }, sumOffset: 32 },
  ],
};

/** The pad of `mov x29,sp` that copies a string behind a pointer, and a part of the stack. */
const CAPTURE_CODE: readonly Line[] = [
  [0xa9b8_47f0, "stp x16, x17, [sp, #-128]!"],
  [0xa901_3fee, "stp x14, x15, [sp, #16]"],
  [0xa902_37ec, "stp x12, x13, [sp, #32]"],
  [0xa903_07e0, "stp x0, x1, [sp, #48]"],
  [0xa904_0fe2, "stp x2, x3, [sp, #64]"],
  [0xa905_27e8, "stp x8, x9, [sp, #80]"],
  [0xa906_2fea, "stp x10, x11, [sp, #96]"],
  [0xa907_7be4, "stp x4, x30, [sp, #112]"],
  [0x5800_1790, "ldr x16, 0x310"],
  [0xb940_0210, "ldr w16, [x16]"],
  [0x3400_1610, "cbz w16, 0x2e8"],
  [0xd53b_d04e, "mrs x14, tpidr_el0"],
  [0xd344_fdce, "lsr x14, x14, #4"],
  [0x5800_1730, "ldr x16, 0x318"],
  [0x528f_3731, "mov w17, #0x79b9"],
  [0x72b3_c6f1, "movk w17, #0x9e37, lsl #16"],
  [0x1b11_7dd1, "mul w17, w14, w17"],
  [0x531e_7e31, "lsr w17, w17, #30"],
  [0x8b11_5e10, "add x16, x16, x17, lsl #23"],
  [0x9148_020f, "add x15, x16, #0x200, lsl #12"],
  [0x9101_01ef, "add x15, x15, #0x40"],
  [0x88df_fded, "ldar w13, [x15]"],
  [0x9148_020f, "add x15, x16, #0x200, lsl #12"],
  [0xb940_01ec, "ldr w12, [x15]"],
  [0x4b0d_018d, "sub w13, w12, w13"],
  [0x529f_ffb1, "mov w17, #0xfffd"],
  [0xcb0d_022d, "sub x13, x17, x13"],
  [0xb7f8_138d, "tbnz x13, #63, 0x2dc"],
  [0xd503_3fdf, "isb"],
  [0xd53b_e04d, "mrs x13, cntvct_el0"],
  [0xca0d_01b1, "eor x17, x13, x13"],
  [0x8b11_01ef, "add x15, x15, x17"],
  [0x1100_0d91, "add w17, w12, #0x3"],
  [0x88ac_7df1, "cas w12, w17, [x15]"],
  [0x1100_0d8f, "add w15, w12, #0x3"],
  [0x4a11_01ef, "eor w15, w15, w17"],
  [0x35ff_fdef, "cbnz w15, 0x4c"],
  [0xd37a_3d8c, "ubfiz x12, x12, #6, #16"],
  [0x9148_060f, "add x15, x16, #0x201, lsl #12"],
  [0x8b0f_018c, "add x12, x12, x15"],
  [0x5280_0011, "mov w17, #0x0"],
  [0x72a0_6011, "movk w17, #0x300, lsl #16"],
  [0xb900_0191, "str w17, [x12]"],
  [0xb900_058e, "str w14, [x12, #4]"],
  [0xf900_058d, "str x13, [x12, #8]"],
  [0xa901_0580, "stp x0, x1, [x12, #16]"],
  [0xf940_0d89, "ldr x9, [x12, #24]"],
  [0x9100_4129, "add x9, x9, #0x10"],
  [0xf900_259f, "str xzr, [x12, #72]"],
  [0x9101_218a, "add x10, x12, #0x48"],
  [0x9100_214b, "add x11, x10, #0x8"],
  [0x9400_0017, "bl 0x128"],
  [0xcb0a_0171, "sub x17, x11, x10"],
  [0xb400_0051, "cbz x17, 0xdc"],
  [0xf900_259f, "str xzr, [x12, #72]"],
  [0xf940_2589, "ldr x9, [x12, #72]"],
  [0xd100_2129, "sub x9, x9, #0x8"],
  [0x9101_418a, "add x10, x12, #0x50"],
  [0x9101_014b, "add x11, x10, #0x40"],
  [0x9400_0040, "bl 0x1ec"],
  [0x4b0c_014a, "sub w10, w10, w12"],
  [0x5101_414a, "sub w10, w10, #0x50"],
  [0xb900_418a, "str w10, [x12, #64]"],
  [0x9102_03e9, "add x9, sp, #0x80"],
  [0x9102_618a, "add x10, x12, #0x98"],
  [0x9100_414b, "add x11, x10, #0x10"],
  [0x9400_0008, "bl 0x128"],
  [0x4b0c_014a, "sub w10, w10, w12"],
  [0x5102_614a, "sub w10, w10, #0x98"],
  [0xb900_918a, "str w10, [x12, #144]"],
  [0x5286_8ad1, "mov w17, #0x3456"],
  [0x72a0_6251, "movk w17, #0x312, lsl #16"],
  [0x889f_fd91, "stlr w17, [x12]"],
  [0x1400_0071, "b 0x2e8"],
  [0xd374_fd2d, "lsr x13, x9, #52"],
  [0xb500_042d, "cbnz x13, 0x1b0"],
  [0xd34c_fd2d, "lsr x13, x9, #12"],
  [0xb400_03ed, "cbz x13, 0x1b0"],
  [0x5800_0f4f, "ldr x15, 0x320"],
  [0xb940_01ef, "ldr w15, [x15]"],
  [0x37f0_038f, "tbnz w15, #30, 0x1b0"],
  [0x37f8_038f, "tbnz w15, #31, 0x1b4"],
  [0x9240_2daf, "and x15, x13, #0xfff"],
  [0x8b0f_0e0f, "add x15, x16, x15, lsl #3"],
  [0x915c_01ef, "add x15, x15, #0x700, lsl #12"],
  [0xf940_01f1, "ldr x17, [x15]"],
  [0xcb0d_0231, "sub x17, x17, x13"],
  [0xb500_02d1, "cbnz x17, 0x1b4"],
  [0xb274_cd2d, "orr x13, x9, #0xfffffffffffff000"],
  [0xcb0d_03ed, "neg x13, x13"],
  [0xcb0a_0171, "sub x17, x11, x10"],
  [0xcb0d_0231, "sub x17, x17, x13"],
  [0x8a91_fe31, "and x17, x17, x17, asr #63"],
  [0x8b11_01ad, "add x13, x13, x17"],
  [0xd100_21ad, "sub x13, x13, #0x8"],
  [0xb7f8_00ad, "tbnz x13, #63, 0x190"],
  [0xf840_8520, "ldr x0, [x9], #8"],
  [0xf800_8540, "str x0, [x10], #8"],
  [0xd100_21ad, "sub x13, x13, #0x8"],
  [0xb6ff_ffad, "tbz x13, #63, 0x180"],
  [0x9100_21ad, "add x13, x13, #0x8"],
  [0xb400_00ad, "cbz x13, 0x1a8"],
  [0x3840_1520, "ldrb w0, [x9], #1"],
  [0x3800_1540, "strb w0, [x10], #1"],
  [0xd100_05ad, "sub x13, x13, #0x1"],
  [0xb5ff_ffad, "cbnz x13, 0x198"],
  [0xcb0a_0171, "sub x17, x11, x10"],
  [0xb5ff_fbf1, "cbnz x17, 0x128"],
  [0xd65f_03c0, "ret"],
  [0x9280_0000, "mov x0, #0xffffffffffffffff"],
  [0x9274_cd21, "and x1, x9, #0xfffffffffffff000"],
  [0xd280_0002, "mov x2, #0x0"],
  [0xd280_0103, "mov x3, #0x8"],
  [0xd280_10e8, "mov x8, #0x87"],
  [0xd400_0001, "svc #0x0"],
  [0x1100_5800, "add w0, w0, #0x16"],
  [0xb5ff_ff00, "cbnz x0, 0x1b0"],
  [0xd34c_fd2d, "lsr x13, x9, #12"],
  [0x9240_2daf, "and x15, x13, #0xfff"],
  [0x8b0f_0e0f, "add x15, x16, x15, lsl #3"],
  [0x915c_01ef, "add x15, x15, #0x700, lsl #12"],
  [0xf900_01ed, "str x13, [x15]"],
  [0x17ff_ffde, "b 0x160"],
  [0xb200_c3ee, "mov x14, #0x101010101010101"],
  [0xd374_fd2d, "lsr x13, x9, #52"],
  [0xb500_04cd, "cbnz x13, 0x28c"],
  [0xd34c_fd2d, "lsr x13, x9, #12"],
  [0xb400_048d, "cbz x13, 0x28c"],
  [0x5800_090f, "ldr x15, 0x320"],
  [0xb940_01ef, "ldr w15, [x15]"],
  [0x37f0_042f, "tbnz w15, #30, 0x28c"],
  [0x37f8_042f, "tbnz w15, #31, 0x290"],
  [0x9240_2daf, "and x15, x13, #0xfff"],
  [0x8b0f_0e0f, "add x15, x16, x15, lsl #3"],
  [0x915c_01ef, "add x15, x15, #0x700, lsl #12"],
  [0xf940_01f1, "ldr x17, [x15]"],
  [0xcb0d_0231, "sub x17, x17, x13"],
  [0xb500_0371, "cbnz x17, 0x290"],
  [0xb274_cd2d, "orr x13, x9, #0xfffffffffffff000"],
  [0xcb0d_03ed, "neg x13, x13"],
  [0xcb0a_0171, "sub x17, x11, x10"],
  [0xcb0d_0231, "sub x17, x17, x13"],
  [0x8a91_fe31, "and x17, x17, x17, asr #63"],
  [0x8b11_01ad, "add x13, x13, x17"],
  [0xd100_21ad, "sub x13, x13, #0x8"],
  [0xb7f8_012d, "tbnz x13, #63, 0x268"],
  [0xf840_8520, "ldr x0, [x9], #8"],
  [0xf800_8540, "str x0, [x10], #8"],
  [0xcb0e_0004, "sub x4, x0, x14"],
  [0x8a20_0084, "bic x4, x4, x0"],
  [0x9201_c084, "and x4, x4, #0x8080808080808080"],
  [0xb500_0364, "cbnz x4, 0x2c8"],
  [0xd100_21ad, "sub x13, x13, #0x8"],
  [0xb6ff_ff2d, "tbz x13, #63, 0x248"],
  [0x9100_21ad, "add x13, x13, #0x8"],
  [0xb400_00cd, "cbz x13, 0x284"],
  [0x3840_1520, "ldrb w0, [x9], #1"],
  [0x3800_1540, "strb w0, [x10], #1"],
  [0x3400_00a0, "cbz w0, 0x28c"],
  [0xd100_05ad, "sub x13, x13, #0x1"],
  [0xb5ff_ff8d, "cbnz x13, 0x270"],
  [0xcb0a_0171, "sub x17, x11, x10"],
  [0xb5ff_fb51, "cbnz x17, 0x1f0"],
  [0xd65f_03c0, "ret"],
  [0x9280_0000, "mov x0, #0xffffffffffffffff"],
  [0x9274_cd21, "and x1, x9, #0xfffffffffffff000"],
  [0xd280_0002, "mov x2, #0x0"],
  [0xd280_0103, "mov x3, #0x8"],
  [0xd280_10e8, "mov x8, #0x87"],
  [0xd400_0001, "svc #0x0"],
  [0x1100_5800, "add w0, w0, #0x16"],
  [0xb5ff_ff00, "cbnz x0, 0x28c"],
  [0xd34c_fd2d, "lsr x13, x9, #12"],
  [0x9240_2daf, "and x15, x13, #0xfff"],
  [0x8b0f_0e0f, "add x15, x16, x15, lsl #3"],
  [0x915c_01ef, "add x15, x15, #0x700, lsl #12"],
  [0xf900_01ed, "str x13, [x15]"],
  [0x17ff_ffd9, "b 0x228"],
  [0xdac0_0084, "rbit x4, x4"],
  [0xdac0_1084, "clz x4, x4"],
  [0xd100_1d4a, "sub x10, x10, #0x7"],
  [0x8b44_0d4a, "add x10, x10, x4, lsr #3"],
  [0xd65f_03c0, "ret"],
  [0x9100_220f, "add x15, x16, #0x8"],
  [0x5280_0031, "mov w17, #0x1"],
  [0xf831_01ff, "stadd x17, [x15]"],
  [0xa947_7be4, "ldp x4, x30, [sp, #112]"],
  [0xa946_2fea, "ldp x10, x11, [sp, #96]"],
  [0xa945_27e8, "ldp x8, x9, [sp, #80]"],
  [0xa944_0fe2, "ldp x2, x3, [sp, #64]"],
  [0xa943_07e0, "ldp x0, x1, [sp, #48]"],
  [0xa942_37ec, "ldp x12, x13, [sp, #32]"],
  [0xa941_3fee, "ldp x14, x15, [sp, #16]"],
  [0xa8c8_47f0, "ldp x16, x17, [sp], #128"],
  [0x9100_03fd, "mov x29, sp"],
  [0x17ff_fb40, "b 0xfffffffffffff00c"],
];
const CAPTURE_CONSTANTS = [0x7000, 0, 0x8000, 0, 0x9000, 0];

/** The one that keeps all of one value, and the sum of another. */
const TALLY_CODE: readonly Line[] = [
  [0xa9be_47f0, "stp x16, x17, [sp, #-32]!"],
  [0xa901_3fee, "stp x14, x15, [sp, #16]"],
  [0x5800_0490, "ldr x16, 0x98"],
  [0xb940_0210, "ldr w16, [x16]"],
  [0x3400_03d0, "cbz w16, 0x88"],
  [0x5800_0470, "ldr x16, 0xa0"],
  [0xd53b_d051, "mrs x17, tpidr_el0"],
  [0xd34c_3631, "ubfx x17, x17, #12, #2"],
  [0x8b11_5e10, "add x16, x16, x17, lsl #23"],
  [0x9100_2211, "add x17, x16, #0x8"],
  [0xf820_023f, "stadd x0, [x17]"],
  [0x9100_4211, "add x17, x16, #0x10"],
  [0xf820_523f, "stsmin x0, [x17]"],
  [0x9100_6211, "add x17, x16, #0x18"],
  [0xf820_423f, "stsmax x0, [x17]"],
  [0x937f_fc0f, "asr x15, x0, #63"],
  [0xca0f_0011, "eor x17, x0, x15"],
  [0xcb0f_0231, "sub x17, x17, x15"],
  [0xdac0_1231, "clz x17, x17"],
  [0x9240_15ef, "and x15, x15, #0x3f"],
  [0x9101_01ef, "add x15, x15, #0x40"],
  [0xcb11_01f1, "sub x17, x15, x17"],
  [0x8b11_0e0f, "add x15, x16, x17, lsl #3"],
  [0x9110_01ef, "add x15, x15, #0x400"],
  [0xd280_0031, "mov x17, #0x1"],
  [0xf831_01ff, "stadd x17, [x15]"],
  [0xf940_03ee, "ldr x14, [sp]"],
  [0x9340_7dce, "sxtw x14, w14"],
  [0x9100_8211, "add x17, x16, #0x20"],
  [0xf82e_023f, "stadd x14, [x17]"],
  [0x9140_0611, "add x17, x16, #0x1, lsl #12"],
  [0x9100_2231, "add x17, x17, #0x8"],
  [0xd280_002f, "mov x15, #0x1"],
  [0xf86f_023f, "staddl x15, [x17]"],
  [0xa941_3fee, "ldp x14, x15, [sp, #16]"],
  [0xa8c2_47f0, "ldp x16, x17, [sp], #32"],
  [0x9100_03fd, "mov x29, sp"],
  [0x17ff_fbde, "b 0xfffffffffffff00c"],
];
const TALLY_CONSTANTS = [0x7000, 0, 0x8000, 0];

function padOf(action: PadAction): PadCode {
  const window = findWindow(bytesOf(0x9100_03fd), 0, SITE);
  assert(typeof window !== "string");
  return makePad(window, toAddress(SITE - 8 + 0x1000), MEMORY, action)!;
}

function wordsOf({ code }: PadCode): number[] {
  return [...new Uint32Array(code.buffer)];
}

Deno.test("makePad() writes an aarch64 pad that captures", () => {
  const pad = padOf(CAPTURES);
  assertEquals(wordsOf(pad), [...CAPTURE_CODE.map(([word]) => word), ...CAPTURE_CONSTANTS]);
  const pushes = Array.from({ length: 7 }, (_, index) => [4 * index + 4, 0, false, false, 128]);
  assertEquals(
    pad.resume.map(({ offset, pc, done, isHeld, stackBytes }) => [offset, pc - SITE, done, isHeld, stackBytes]),
    [[0, 0, false, false, 0], ...pushes, [32, 0, false, true, 0], [776, 0, false, false, 0], [780, 4, true, false, 0]],
  );
  assertEquals([pad.entry, pad.copies], [0, [776]]);
  const readers = pad.readers!.map((
    { offset, target },
  ) => [CAPTURE_CODE[offset / 4]![1], CAPTURE_CODE[target / 4]![1]]);
  const [word, byte] = [["ldr x0, [x9], #8", "ret"], ["ldrb w0, [x9], #1", "ret"]];
  assertEquals(readers, [word, byte, word, byte]);
});

Deno.test("makePad() writes an aarch64 pad that tallies", () => {
  assertEquals(wordsOf(padOf(TALLY)), [...TALLY_CODE.map(([word]) => word), ...TALLY_CONSTANTS]);
});

Deno.test({
  name: "makePad() writes aarch64 pads that capture and tally, as objdump reads them",
  ignore: !await isInstalled(OBJDUMP),
  fn: async () => {
    for (const code of [CAPTURE_CODE, TALLY_CODE]) {
      assertEquals(await disassemble(code.map(([word]) => word)), code.map(([, text]) => text));
    }
  },
});
