/**
 * What an instruction does to the program counter, and whether a probe can be put on it.
 *
 * *Problem.* Most opcodes go on behind themselves and can be traced; the decoder must not spend time on them. The
 * others are listed here, and only they are looked at.
 *
 * *Method.* {@linkcode CLASSIFIED_OPCODES} marks opcodes in the decoder's tables; {@linkcode classify} then sets flow,
 * target and refusal. Four reasons to refuse: a debugger owns the instruction (`int3`); its effect includes its own
 * address in a way that a copy elsewhere would show (`sysenter`, `enclu`, far calls); a trap would change what it does
 * (`xbegin`); processors disagree on what it does (an operand-size prefix on a near branch: Intel ignores it in 64-bit
 * mode, AMD cuts the target to 16 bits and reads an immediate of 2 bytes; SDM vol. 2 `JMP`, APM vol. 3 `JMP (Near)`).
 *
 * Instructions that always fault in user mode (`hlt`, `ud2`, `wrmsr`...) have the flow `next`: they fault natively.
 *
 * @module
 */

import { isAddress } from "../../address.ts";
import type { Flow } from "../isa.ts";
import { type DraftInstruction, PREFIX } from "./instruction.ts";

/** Opcodes that {@linkcode classify} must see: pairs of opcode map and opcodes. */
export const CLASSIFIED_OPCODES: readonly (readonly [map: number, opcodes: readonly number[]])[] = [
  [0, [
    ...[0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x7b, 0x7c, 0x7d, 0x7e, 0x7f],
    ...[0xa1, 0xc2, 0xc3, 0xc7, 0xca, 0xcb, 0xcc, 0xcd, 0xcf],
    ...[0xe0, 0xe1, 0xe2, 0xe3, 0xe8, 0xe9, 0xeb, 0xf1, 0xff],
  ]],
  [1, [
    ...[0x01, 0x05, 0x07, 0x34, 0x35],
    ...[0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f],
  ]],
];

const FAR = "it is a far transfer, which also changes the code segment";
const NARROW = "it is a near branch with an operand-size prefix, which AMD and Intel processors execute differently";

/**
 * Sets flow, target and refusal of an instruction whose opcode is in {@linkcode CLASSIFIED_OPCODES}.
 *
 * @param draft The instruction, otherwise complete.
 */
export function classify(draft: DraftInstruction): void {
  if (draft.map === 0) classifyOneByte(draft);
  else classifyTwoBytes(draft);
}

function classifyOneByte(draft: DraftInstruction): void {
  const { opcode } = draft;
  switch (opcode) {
    case 0xa1:
      if (draft.encoding === "rex2") setTarget(draft, "jump", draft.immediate);
      return;
    case 0xc2:
    case 0xc3:
      return setNear(draft, "return");
    case 0xe8:
      return setDirect(draft, "call");
    case 0xe9:
    case 0xeb:
      return setDirect(draft, "jump");
    case 0xff:
      return classifyGroup5(draft);
    case 0xc7:
      if (draft.modrm === 0xf8) setOther(draft, "it is xbegin, whose transaction a trap would abort");
      return;
    case 0xca:
    case 0xcb:
      return setOther(draft, FAR);
    case 0xcc:
      return setOther(draft, "it is int3, which debuggers use");
    case 0xcd:
      return setOther(draft, "it is a software interrupt");
    case 0xcf:
      return setOther(draft, "it is iret, which returns from an interrupt");
    case 0xf1:
      return setOther(draft, "it is int1, which debuggers use");
    default:
      return setDirect(draft, "branch");
  }
}

/** Group 5 (`FF`): inc, dec, call, far call, jmp, far jmp, push. */
function classifyGroup5(draft: DraftInstruction): void {
  switch (draft.modrm >> 3 & 7) {
    case 2:
      return setNear(draft, "indirect-call");
    case 4:
      return setNear(draft, "indirect-jump");
    case 3:
    case 5:
      return setOther(draft, FAR);
  }
}

function classifyTwoBytes(draft: DraftInstruction): void {
  switch (draft.opcode) {
    case 0x01:
      return classifyGroup7(draft);
    case 0x05:
      draft.flow = "system-call";
      return;
    case 0x07:
      return setOther(draft, "it is sysret, which only the kernel can use");
    case 0x34:
      return setOther(draft, "it is sysenter, which does not return behind itself");
    case 0x35:
      return setOther(draft, "it is sysexit, which only the kernel can use");
    default:
      return setDirect(draft, "branch");
  }
}

/** Group 7 (`0F 01`): those with a register operand are instructions of their own. */
function classifyGroup7(draft: DraftInstruction): void {
  const repeated = (draft.prefixes & (PREFIX.REP | PREFIX.REPNE)) !== 0;
  if (draft.modrm === 0xd7) setOther(draft, "it is enclu, which enters an enclave with its own address");
  else if (draft.modrm === 0xec && repeated) setOther(draft, "it is uiret, which returns from a user interrupt");
  else if (draft.modrm === 0xca && repeated) setOther(draft, "it is eretu or erets, which only the kernel can use");
}

/** Sets target and flow of a branch by a distance, which is the immediate. */
function setDirect(draft: DraftInstruction, flow: Flow): void {
  setTarget(draft, flow, draft.address + draft.length + draft.immediate);
}

function setTarget(draft: DraftInstruction, flow: Flow, target: number): void {
  draft.target = isAddress(target) ? target : undefined;
  setNear(draft, flow);
}

/** Sets the flow of a near branch; REX.W overrides an operand-size prefix. */
function setNear(draft: DraftInstruction, flow: Flow): void {
  draft.flow = flow;
  if ((draft.prefixes & PREFIX.OPERAND_SIZE) !== 0 && (draft.wrxb & 8) === 0) draft.refusal = NARROW;
}

function setOther(draft: DraftInstruction, refusal: string): void {
  draft.flow = "other";
  draft.refusal = refusal;
}
