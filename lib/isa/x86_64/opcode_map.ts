/**
 * The opcode maps of legacy instructions in 64-bit mode.
 *
 * *Problem.* The length of an instruction depends on its opcode: whether a ModRM byte follows, and how many bytes of
 * immediate. Which opcodes exist at all depends on the mandatory prefix and on whether ModRM names memory or a register.
 *
 * *Method.* One cell of three characters an opcode, 16 cells a row, the row named by the opcode's high four bits. `...`
 * is an opcode that does not exist; a row that is not there has none. A cell `B12` reads:
 *
 * | character | meaning |
 * | --- | --- |
 * | 1st | the operands, see below; an upper-case letter has a ModRM byte |
 * | 2nd | for which mandatory prefixes it exists with a memory operand, a hexadecimal digit |
 * | 3rd | the same with a register operand; the 2nd and 3rd are equal where there is no ModRM byte |
 *
 * The bits of the digits are 1 no prefix, 2 `66`, 4 `F3` and 8 `F2`: the bit numbers are the values of `pp` in VEX and
 * EVEX prefixes. The operands:
 *
 * | letter | behind the opcode |
 * | --- | --- |
 * | `z` | nothing |
 * | `b`, `B` | an immediate byte |
 * | `w` | an immediate of 2 bytes |
 * | `d`, `D` | an immediate of the operand size, but at most 4 bytes |
 * | `q` | an immediate of the operand size (`mov` to a register, 8 bytes with REX.W) |
 * | `e` | an immediate of 2 bytes and one of 1 byte (`enter`) |
 * | `o` | an absolute address of the address size (`moffs`) |
 * | `s`, `l` | a branch distance of 1 or 4 bytes |
 * | `M` | nothing but ModRM |
 * | `C` | ModRM that never names memory (`mov` to and from control and debug registers) |
 * | `T`, `U` | as `B` and `D` for ModRM.reg 0 and 1, else as `M` (`test` and others, group 3) |
 * | `Q` | two immediate bytes behind a `66` or `F2` prefix (`extrq`, `insertq`) |
 * | `I` | an immediate of 4 bytes |
 * | `N` | the opcode proper, in the last byte (3DNow!) |
 *
 * Opcodes whose existence depends on ModRM.reg or ModRM.rm have one more row in `opcode_groups.ts`. What only limits
 * operands is not looked at (`lock`, vector length, W, masks, register numbers): such an instruction has the same
 * length and the same fault wherever it is.
 *
 * Sources: Intel SDM vol. 2 appendix A; AMD APM vol. 3 appendix A.
 *
 * @module
 */

/** Rows of 16 cells, named by the high four bits of the opcode. */
export type OpcodeRows = Readonly<Record<number, string>>;

/** One-byte opcodes. Prefixes and escapes count as opcodes that do not exist. */
export const ONE_BYTE_ROWS: OpcodeRows = {
  0x0: "Mff Mff Mff Mff bff dff ... ... Mff Mff Mff Mff bff dff ... ...",
  0x1: "Mff Mff Mff Mff bff dff ... ... Mff Mff Mff Mff bff dff ... ...",
  0x2: "Mff Mff Mff Mff bff dff ... ... Mff Mff Mff Mff bff dff ... ...",
  0x3: "Mff Mff Mff Mff bff dff ... ... Mff Mff Mff Mff bff dff ... ...",
  0x5: "zff zff zff zff zff zff zff zff zff zff zff zff zff zff zff zff",
  0x6: "... ... ... Mff ... ... ... ... dff Dff bff Bff zff zff zff zff",
  0x7: "sff sff sff sff sff sff sff sff sff sff sff sff sff sff sff sff",
  0x8: "Bff Dff ... Bff Mff Mff Mff Mff Mff Mff Mff Mff Mff Mf0 Mff Mff",
  0x9: "zff zff zff zff zff zff zff zff zff zff ... zff zff zff zff zff",
  0xa: "off off off off zff zff zff zff bff dff zff zff zff zff zff zff",
  0xb: "bff bff bff bff bff bff bff bff qff qff qff qff qff qff qff qff",
  0xc: "Bff Bff wff zff ... ... Bff Dff eff zff wff zff zff bff ... zff",
  0xd: "Mff Mff Mff Mff ... ... ... zff Mff Mff Mff Mff Mff Mff Mff Mff",
  0xe: "sff sff sff sff bff bff bff bff lff lff ... sff zff zff zff zff",
  0xf: "... zff ... ... zff zff Tff Uff zff zff zff zff zff zff Mff Mff",
};

/** Opcodes behind `0F`. */
export const TWO_BYTE_ROWS: OpcodeRows = {
  0x0: "Mff Mff Mff Mff ... zff zff zff zff zff ... zff ... Mff zff Nff",
  0x1: "Mff Mff Mfd M30 M33 M33 M75 M30 Mff Mff Mff Mff Mff Mff Mff Mff",
  0x2: "Cff Cff Cff Cff ... ... ... ... M33 M33 Mff Mf0 Mff Mff M33 M33",
  0x3: "zff zff zff zff zff zff ... z11 ... ... ... ... ... ... ... ...",
  0x4: "Mff Mff Mff Mff Mff Mff Mff Mff Mff Mff Mff Mff Mff Mff Mff Mff",
  0x5: "M03 Mff M55 M55 M33 M33 M33 M33 Mff Mff Mff M77 Mff Mff Mff Mff",
  0x6: "M33 M33 M33 M33 M33 M33 M33 M33 M33 M33 M33 M33 M22 M22 M33 M77",
  0x7: "Bff B03 B03 B03 M33 M33 M33 z11 Q1b M1b ... ... Maa Maa M77 M77",
  0x8: "lff lff lff lff lff lff lff lff lff lff lff lff lff lff lff lff",
  0x9: "Mff Mff Mff Mff Mff Mff Mff Mff Mff Mff Mff Mff Mff Mff Mff Mff",
  0xa: "zff zff zff Mff Bff Mff M04 M0f zff zff zff Mff Bff Mff M7f Mff",
  0xb: "Mff Mff Mf0 Mff Mf0 Mf0 Mff Mff M44 Mff Bff Mff Mff Mff Mff Mff",
  0xc: "Mff Mff Bff M10 B33 B03 B33 Mf7 zff zff zff zff zff zff zff zff",
  0xd: "Maa M33 M33 M33 M33 M33 M2e M03 M33 M33 M33 M33 M33 M33 M33 M33",
  0xe: "M33 M33 M33 M33 M33 M33 Mee M30 M33 M33 M33 M33 M33 M33 M33 M33",
  0xf: "M80 M33 M33 M33 M33 M33 M33 M03 M33 M33 M33 M33 M33 M33 M33 Mff",
};

/** Opcodes behind `0F 38`. `8A` and `8B` are MOVRS, `F8` with a register USER_MSR. */
export const THREE_BYTE_38_ROWS: OpcodeRows = {
  0x0: "M33 M33 M33 M33 M33 M33 M33 M33 M33 M33 M33 M33 ... ... ... ...",
  0x1: "M22 ... ... ... M22 M22 ... M22 ... ... ... ... M33 M33 M33 ...",
  0x2: "M22 M22 M22 M22 M22 M22 ... ... M22 M22 M20 M22 ... ... ... ...",
  0x3: "M22 M22 M22 M22 M22 M22 ... M22 M22 M22 M22 M22 M22 M22 M22 M22",
  0x4: "M22 M22 ... ... ... ... ... ... ... ... ... ... ... ... ... ...",
  0x8: "M20 M20 M20 ... ... ... ... ... ... ... M10 M30 ... ... ... ...",
  0xc: "... ... ... ... ... ... ... ... M11 M11 M11 M11 M11 M11 ... M22",
  0xd: "... ... ... ... ... ... ... ... M40 ... ... M22 M66 M62 M62 M62",
  0xf: "Mb8 Mb8 ... ... ... M20 M76 ... Mec M10 M04 M04 Mf0 ... ... ...",
};

/** Opcodes behind `0F 3A`. */
export const THREE_BYTE_3A_ROWS: OpcodeRows = {
  0x0: "... ... ... ... ... ... ... ... B22 B22 B22 B22 B22 B22 B22 B33",
  0x1: "... ... ... ... B22 B22 B22 B22 ... ... ... ... ... ... ... ...",
  0x2: "B22 B22 B22 ... ... ... ... ... ... ... ... ... ... ... ... ...",
  0x4: "B22 B22 B22 ... B22 ... ... ... ... ... ... ... ... ... ... ...",
  0x6: "B22 B22 B22 B22 ... ... ... ... ... ... ... ... ... ... ... ...",
  0xc: "... ... ... ... ... ... ... ... ... ... ... ... B11 ... B22 B22",
  0xd: "... ... ... ... ... ... ... ... ... ... ... ... ... ... ... B22",
  0xf: "B04 ... ... ... ... ... ... ... ... ... ... ... ... ... ... ...",
};
