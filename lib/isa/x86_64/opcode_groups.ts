/**
 * Opcodes that exist only for some values of ModRM.reg or ModRM.rm.
 *
 * A row narrows the cell of its opcode in the maps. The digits have the maps' meaning: a set of mandatory prefixes.
 * `memory` has one digit for each value of ModRM.reg. `register` has one word for each value of ModRM.reg: one digit
 * that holds for every ModRM.rm, or eight digits, one for each.
 *
 * Sources: Intel SDM vol. 2 appendix A.4 (groups) and A.5 (x87); AMD APM vol. 3 appendix A.2.
 *
 * @module
 */

/** A row. */
export interface OpcodeGroup {
  /** The opcode. */
  readonly opcode: number;
  /** Digits for ModRM.reg 0 to 7 with a memory operand. */
  readonly memory: string;
  /** Words for ModRM.reg 0 to 7 with a register operand. */
  readonly register: string;
}

/** Groups of one-byte opcodes. */
export const ONE_BYTE_GROUPS: readonly OpcodeGroup[] = [
  { opcode: 0x8c, memory: "ffffff00", register: "f f f f f f 0 0" },
  { opcode: 0x8e, memory: "f0ffff00", register: "f 0 f f f f 0 0" },
  { opcode: 0x8f, memory: "f0000000", register: "f 0 0 0 0 0 0 0" },
  { opcode: 0xc6, memory: "f0000000", register: "f 0 0 0 0 0 0 f0000000" },
  { opcode: 0xc7, memory: "f0000000", register: "f 0 0 0 0 0 0 f0000000" },
  { opcode: 0xd9, memory: "f0ffffff", register: "f f f0000000 f ff00ff00 fffffff0 f f" },
  { opcode: 0xda, memory: "ffffffff", register: "f f f f 0 0f000000 0 0" },
  { opcode: 0xdb, memory: "ffff0f0f", register: "f f f f fffff000 f f 0" },
  { opcode: 0xdd, memory: "fffff0ff", register: "f f f f f f 0 0" },
  { opcode: 0xde, memory: "ffffffff", register: "f f f 0f000000 f f f f" },
  { opcode: 0xdf, memory: "ffffffff", register: "f f f f f0000000 f f 0" },
  { opcode: 0xfe, memory: "ff000000", register: "f f 0 0 0 0 0 0" },
  { opcode: 0xff, memory: "fffffff0", register: "f f f 0 f 0 f 0" },
];

/** Groups of opcodes behind `0F`. */
export const TWO_BYTE_GROUPS: readonly OpcodeGroup[] = [
  { opcode: 0x00, memory: "ffffff80", register: "f f f f f f 8 0" },
  { opcode: 0x01, memory: "fffff4ff", register: "111111d1 11d12223 11001111 f f d8404455 f ff51f5dd" },
  { opcode: 0x20, memory: "f0fff000", register: "f 0 f f f 0 0 0" },
  { opcode: 0x22, memory: "f0fff000", register: "f 0 f f f 0 0 0" },
  { opcode: 0x71, memory: "00000000", register: "0 0 3 0 3 0 3 0" },
  { opcode: 0x72, memory: "00000000", register: "0 0 3 0 3 0 3 0" },
  { opcode: 0x73, memory: "00000000", register: "0 0 3 2 0 0 3 2" },
  { opcode: 0x78, memory: "11111111", register: "b 9 9 9 9 9 9 9" },
  { opcode: 0xa7, memory: "00000000", register: "f 4 4 4 4 4 4 4" },
  { opcode: 0xae, memory: "11115173", register: "4 4 4 4 4 5 f 1" },
  { opcode: 0xba, memory: "0000ffff", register: "0 0 0 0 f f f f" },
  { opcode: 0xc7, memory: "0f011171", register: "0 0 0 0 0 0 7 7" },
];

/** Groups of opcodes behind `0F 38`. */
export const THREE_BYTE_38_GROUPS: readonly OpcodeGroup[] = [
  { opcode: 0xd8, memory: "44440000", register: "0 0 0 0 0 0 0 0" },
];

/** Groups of opcodes behind `0F 3A`. */
export const THREE_BYTE_3A_GROUPS: readonly OpcodeGroup[] = [
  { opcode: 0xf0, memory: "00000000", register: "40000000 0 0 0 0 0 0 0" },
];

/** Groups of VEX map 1. */
export const VEX_1_GROUPS: readonly OpcodeGroup[] = [
  { opcode: 0x71, memory: "00000000", register: "0 0 2 0 2 0 2 0" },
  { opcode: 0x72, memory: "00000000", register: "0 0 2 0 2 0 2 0" },
  { opcode: 0x73, memory: "00000000", register: "0 0 2 2 0 0 2 2" },
  { opcode: 0xae, memory: "00110000", register: "0 0 0 0 0 0 0 0" },
];

/** Groups of VEX map 2. */
export const VEX_2_GROUPS: readonly OpcodeGroup[] = [
  {
    opcode: 0x49,
    memory: "30000000",
    register: "90000000 80000000 80000000 80000000 80000000 80000000 80000000 80000000",
  },
  { opcode: 0xf3, memory: "01110000", register: "0 1 1 1 0 0 0 0" },
];

/** Groups of VEX and EVEX map 7. */
export const MAP_7_GROUPS: readonly OpcodeGroup[] = [
  { opcode: 0xf6, memory: "00000000", register: "c 0 0 0 0 0 0 0" },
  { opcode: 0xf8, memory: "00000000", register: "c 0 0 0 0 0 0 0" },
];

/** Groups of EVEX map 1. */
export const EVEX_1_GROUPS: readonly OpcodeGroup[] = [
  { opcode: 0x71, memory: "00202020", register: "0 0 2 0 2 0 2 0" },
  { opcode: 0x72, memory: "22202020", register: "2 2 2 0 2 0 2 0" },
  { opcode: 0x73, memory: "00220022", register: "0 0 2 2 0 0 2 2" },
];

/** Groups of EVEX map 2. */
export const EVEX_2_GROUPS: readonly OpcodeGroup[] = [
  { opcode: 0x49, memory: "30000000", register: "0 0 0 0 0 0 0 0" },
  { opcode: 0xc6, memory: "02200220", register: "0 0 0 0 0 0 0 0" },
  { opcode: 0xc7, memory: "02200220", register: "0 0 0 0 0 0 0 0" },
  { opcode: 0xf3, memory: "01110000", register: "0 1 1 1 0 0 0 0" },
];

/** Groups of EVEX map 4. */
export const EVEX_4_GROUPS: readonly OpcodeGroup[] = [
  { opcode: 0x8f, memory: "00000000", register: "1 0 0 0 0 0 0 0" },
  { opcode: 0xfe, memory: "11000000", register: "1 1 0 0 0 0 0 0" },
  { opcode: 0xff, memory: "33000000", register: "3 3 0 0 0 0 1 0" },
];

/** Groups of XOP map 9. */
export const XOP_9_GROUPS: readonly OpcodeGroup[] = [
  { opcode: 0x01, memory: "01111111", register: "0 1 1 1 1 1 1 1" },
  { opcode: 0x02, memory: "01000010", register: "0 1 0 0 0 0 1 0" },
  { opcode: 0x12, memory: "00000000", register: "1 1 0 0 0 0 0 0" },
];

/** Groups of XOP map 10. */
export const XOP_10_GROUPS: readonly OpcodeGroup[] = [
  { opcode: 0x12, memory: "11000000", register: "1 1 0 0 0 0 0 0" },
];
