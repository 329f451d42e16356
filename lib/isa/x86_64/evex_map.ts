/**
 * The opcode maps behind EVEX prefixes, in the notation of `opcode_map.ts`.
 *
 * Sources: Intel SDM vol. 2 chapters 3 to 5; Intel's *APX Architecture Specification* (355828) for map 4 and for the
 * VEX instructions that APX repeats in maps 1 to 3; Intel's *AVX10.2 Architecture Specification* (361050).
 *
 * @module
 */

import type { OpcodeRows } from "./opcode_map.ts";

/** EVEX map 1 (`0F`). */
export const EVEX_1_ROWS: OpcodeRows = {
  0x1: "Mff Mff Mfd M30 M33 M33 M75 M30 ... ... ... ... ... ... ... ...",
  0x2: "... ... ... ... ... ... ... ... M33 M33 Mcc M30 Mcc Mcc Mff Mff",
  0x5: "... Mff ... ... M33 M33 M33 M33 Mff Mff Mff M77 Mff Mff Mff Mff",
  0x6: "M22 M22 M22 M22 M22 M22 M22 M22 M22 M22 M22 M22 M22 M22 M22 Mee",
  0x7: "Bee B22 B22 B22 M22 M22 M22 ... Mff Mff Mee Mee ... ... M66 Mee",
  0x9: "M33 M30 M0b M0b ... ... ... ... ... ... ... ... ... ... ... ...",
  0xc: "... ... Bff ... B22 B02 B33 ... ... ... ... ... ... ... ... ...",
  0xd: "... M22 M22 M22 M22 M22 M22 ... M22 M22 M22 M22 M22 M22 M22 M22",
  0xe: "M22 M22 M22 M22 M22 M22 Mee M20 M22 M22 M22 M22 M22 M22 M22 M22",
  0xf: "... M22 M22 M22 M22 M22 M22 ... M22 M22 M22 M22 M22 M22 M22 ...",
};

/** EVEX map 2 (`0F 38`). */
export const EVEX_2_ROWS: OpcodeRows = {
  0x0: "M22 ... ... ... M22 ... ... ... ... ... ... M22 M22 M22 ... ...",
  0x1: "M66 M66 M66 M66 M66 M66 M22 ... M22 M22 M20 M20 M22 M22 M22 M22",
  0x2: "M66 M66 M66 M66 M66 M66 M66 M66 M26 M26 M24 M22 M22 M22 ... ...",
  0x3: "M66 M66 M66 M66 M66 M66 M22 M22 M26 M26 M26 M22 M22 M22 M22 M22",
  0x4: "M22 ... M22 M22 M22 M22 M22 M22 ... M30 Ma6 Me0 M22 M22 M22 M22",
  0x5: "Mff Mff Mf7 Ma2 M22 M22 ... ... M22 M22 M20 M20 ... ... ... ...",
  0x6: "... ... M22 M22 M22 M22 M22 M22 M88 ... ... ... ... M0f ... ...",
  0x7: "M22 M22 Mee M22 Mdd M22 M22 M22 M22 M22 M02 M02 M02 M22 M22 M22",
  0x8: "... ... ... M22 ... ... ... ... M22 M22 M22 M22 ... M22 ... M22",
  0x9: "M20 M20 M20 M20 ... ... M22 M22 M22 M22 Ma2 Ma2 M22 M22 M22 M22",
  0xa: "M20 M20 M20 M20 ... ... M22 M22 M22 M22 Ma2 Ma2 M22 M22 M22 M22",
  0xb: "... ... ... ... M22 M22 M22 M22 M22 M22 M22 M22 M22 M22 M22 M22",
  0xc: "... ... ... ... M22 ... M20 M20 M22 ... M22 M22 M22 M22 ... M22",
  0xd: "... ... M77 M77 ... ... ... ... ... ... Mcc ... M22 M22 M22 M22",
  0xe: "M20 M20 M20 M20 M20 M20 M20 M20 M20 M20 M20 M20 M20 M20 M20 M20",
  0xf: "... ... M11 M11 ... Mdd M88 Mff ... ... ... ... ... ... ... ...",
};

/** EVEX map 3 (`0F 3A`). */
export const EVEX_3_ROWS: OpcodeRows = {
  0x0: "B22 B22 ... B22 B22 B22 ... B0f Bbb B22 B33 B22 ... ... ... B22",
  0x1: "... ... ... ... B22 B22 B22 B22 B22 B22 B22 B22 ... B22 B22 B22",
  0x2: "B22 B22 B22 B22 ... B22 Bbb B33 ... ... ... ... ... ... ... ...",
  0x3: "... ... ... ... ... ... ... ... B22 B22 B22 B22 ... ... B22 B22",
  0x4: "... ... B66 B22 B22 ... ... ... ... ... ... ... ... ... ... ...",
  0x5: "B22 B22 Bbb B33 B22 B22 Bbb B33 ... ... ... ... ... ... ... ...",
  0x6: "... ... ... ... ... ... Bbb B33 ... ... ... ... ... ... ... ...",
  0x7: "B22 B22 B22 B22 ... ... ... B0c ... ... ... ... ... ... ... ...",
  0xc: "... ... Bdd ... ... ... ... ... ... ... ... ... ... ... B22 B22",
  0xf: "B88 ... ... ... ... ... ... ... ... ... ... ... ... ... ... ...",
};

/** EVEX map 4: the legacy instructions that APX gives three operands or leaves the flags alone. */
export const EVEX_4_ROWS: OpcodeRows = {
  0x0: "M11 M33 M11 M33 ... ... ... ... M11 M33 M11 M33 ... ... ... ...",
  0x1: "M11 M33 M11 M33 ... ... ... ... M11 M33 M11 M33 ... ... ... ...",
  0x2: "M11 M33 M11 M33 B33 ... ... ... M11 M33 M11 M33 B33 ... ... ...",
  0x3: "M11 M33 M11 M33 ... ... ... ... M11 M33 M11 M33 ... ... ... ...",
  0x4: "Mbb Mbb Mbb Mbb Mbb Mbb Mbb Mbb Mbb Mbb Mbb Mbb Mbb Mbb Mbb Mbb",
  0x6: "M33 M33 ... ... ... M20 M76 ... ... D33 ... B33 ... ... ... ...",
  0x8: "B11 D33 ... B33 M11 M33 ... ... M33 ... M10 M30 ... ... ... M01",
  0xa: "... ... ... ... ... M33 ... ... ... ... ... ... ... M33 ... M33",
  0xc: "B11 B33 ... ... ... ... ... ... ... ... ... ... ... ... ... ...",
  0xd: "M11 M33 M11 M33 ... ... ... ... ... ... ... ... ... ... ... ...",
  0xf: "M51 M73 M40 ... M33 M33 T11 U33 Mec M10 ... ... Mf0 ... M11 M33",
};

/** EVEX map 5 (AVX512-FP16, AVX10.2). */
export const EVEX_5_ROWS: OpcodeRows = {
  0x1: "M44 M44 ... ... ... ... ... ... Mdd ... ... Mdd ... M33 M88 ...",
  0x2: "... ... ... ... ... ... ... ... ... ... M44 ... M44 M44 M55 M77",
  0x5: "... M77 ... ... ... ... ... ... M77 M77 Mff M77 M77 M77 M77 M77",
  0x6: "... ... ... ... ... ... ... ... Mbb Mbb Mbb Mbb Mff Mff M66 Mc0",
  0x7: "... ... ... ... Mdd ... ... ... M77 M77 Maa M66 M33 Mff M66 ...",
};

/** EVEX map 6 (AVX512-FP16, AVX10.2). */
export const EVEX_6_ROWS: OpcodeRows = {
  0x1: "... ... ... M33 ... ... ... ... ... ... ... ... ... ... ... ...",
  0x2: "... ... ... ... ... ... ... ... ... ... ... ... M33 M22 ... ...",
  0x4: "... ... M33 M22 ... ... ... ... ... ... ... ... M33 M22 M33 M22",
  0x5: "... ... ... ... ... ... Mcc Mcc ... ... ... ... ... ... ... ...",
  0x9: "... ... ... ... ... ... M22 M22 M33 M22 M33 M22 M33 M22 M33 M22",
  0xa: "... ... ... ... ... ... M22 M22 M33 M22 M33 M22 M33 M22 M33 M22",
  0xb: "... ... ... ... ... ... M22 M22 M33 M22 M33 M22 M33 M22 M33 M22",
  0xd: "... ... ... ... ... ... Mcc Mcc ... ... ... ... ... ... ... ...",
};

/** EVEX map 7 (USER_MSR, MSR_IMM). */
export const EVEX_7_ROWS: OpcodeRows = {
  0xf: "... ... ... ... ... ... I0c ... I0c ... ... ... ... ... ... ...",
};
