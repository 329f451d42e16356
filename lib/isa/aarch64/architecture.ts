/**
 * The A64 instruction set of aarch64 as the rest of the project knows it.
 *
 * @module
 */

import type { Isa } from "../isa.ts";
import { registerAccess } from "./arguments.ts";
import { CONTEXT_BYTES, contextRefusal, decode } from "./decode.ts";
import { displace, SLOT_BYTES } from "./displace.ts";
import { emulate } from "./emulate.ts";
import { asksAt, CALL_STEP_CODE, firesAt, trap, TRAP_CODE, TRAP_PC_BYTES } from "./install.ts";
import { INSTRUCTION_BYTES } from "./instruction.ts";
import { canTellLeaving } from "./leaving.ts";
import { CPU_FLAGS, makePad } from "./pad.ts";
import { canTally } from "./pad_tally.ts";
import { checksStack } from "./stack_check.ts";
import { records } from "./record_pad.ts";
import { REGISTERS_BYTES } from "./registers.ts";
import { BRANCH_REACH_BYTES } from "./slot_code.ts";
import { findWindow, JUMP_BYTES, makeJump, PAD_DISTANCE, padAddress } from "./window.ts";

/** `EM_AARCH64` of elf(5). */
const EM_AARCH64 = 183;

/** The A64 instruction set. */
export const AARCH64: Isa = {
  name: "aarch64",
  machine: EM_AARCH64,
  unitBytes: INSTRUCTION_BYTES,
  longestBytes: INSTRUCTION_BYTES,
  caution: "its tracing was tested on emulated machines only",
  registersBytes: REGISTERS_BYTES,
  slotBytes: SLOT_BYTES,
  slotReachBytes: BRANCH_REACH_BYTES - SLOT_BYTES,
  trap,
  trapPcBytes: TRAP_PC_BYTES,
  trapCode: TRAP_CODE,
  callStepCode: CALL_STEP_CODE,
  // svc #0
  systemCall: new Uint8Array([0x01, 0x00, 0x00, 0xd4]),
  decode,
  contextBytes: CONTEXT_BYTES,
  contextRefusal,
  emulate,
  displace,
  // Steps are made by a flag that no instruction can read.
  hideStep: () => false,
  firesAt,
  asksAt,
  jumps: {
    jumpBytes: JUMP_BYTES,
    padDistance: PAD_DISTANCE,
    cpuFlags: CPU_FLAGS,
    records,
    // One instruction is always enough, and where it begins is all that a branch can lead to.
    earliestBytes: 0,
    findWindow,
    beginEarlier: (window) => window,
    shrink: () => undefined,
    padAddress,
    canTellLeaving,
    canTally,
    readFlow: (code) => ({
      checksStack: () => checksStack(code),
      leadsTo: () => false,
      straightBefore: () => [],
    }),
    makePad,
    makeJump,
  },
  registers: registerAccess,
};
