/**
 * The x86-64 instruction set as the rest of the project knows it.
 *
 * @module
 */

import type { Isa } from "../isa.ts";
import { registerAccess } from "./arguments.ts";
import { decode } from "./decode.ts";
import { displace, SLOT_BYTES } from "./displace.ts";
import { emulate } from "./emulate.ts";
import { asksAt, CALL_STEP_CODE, firesAt, trap, TRAP_CODE, TRAP_PC_BYTES } from "./install.ts";
import { readFlow } from "./function_flow.ts";
import { hideStep } from "./steps.ts";
import { keeper } from "./keeper.ts";
import { canTellLeaving, makePad, records } from "./pad.ts";
import { canTally } from "./pad_tally.ts";
import { REGISTERS_BYTES } from "./registers.ts";
import {
  beginEarlier,
  EARLIEST_BYTES,
  findWindow,
  JUMP_BYTES,
  makeJump,
  PAD_DISTANCE,
  padAddress,
  shrink,
} from "./window.ts";

/** `EM_X86_64` of elf(5). */
const EM_X86_64 = 62;

/** The reach of a 32-bit displacement, less room for an operand that is itself far from its instruction. */
const SLOT_REACH_BYTES = 0x7fff_0000;

/** The x86-64 instruction set. */
export const X86_64: Isa = {
  name: "x86_64",
  machine: EM_X86_64,
  unitBytes: 1,
  longestBytes: 15,
  registersBytes: REGISTERS_BYTES,
  slotBytes: SLOT_BYTES,
  slotReachBytes: SLOT_REACH_BYTES,
  trap,
  trapPcBytes: TRAP_PC_BYTES,
  trapCode: TRAP_CODE,
  callStepCode: CALL_STEP_CODE,
  systemCall: new Uint8Array([0x0f, 0x05]),
  decode,
  contextBytes: 0,
  contextRefusal: () => undefined,
  emulate,
  displace,
  hideStep,
  firesAt,
  asksAt,
  // rdpid tells the CPU, lahf keeps the flags.
  jumps: {
    jumpBytes: JUMP_BYTES,
    earliestBytes: EARLIEST_BYTES,
    padDistance: PAD_DISTANCE,
    cpuFlags: ["rdpid", "lahf_lm"],
    records,
    canTally,
    findWindow,
    beginEarlier,
    shrink,
    padAddress,
    canTellLeaving,
    readFlow,
    makePad,
    makeJump,
  },
  keeper,
  registers: registerAccess,
};
