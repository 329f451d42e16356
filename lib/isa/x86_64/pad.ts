/**
 * The contents of pads: what a hit does instead of stopping, and the displaced instructions.
 *
 * *Problem.* A pad runs in the program's threads, with all their registers, flags and the red zone in use, on whatever stack
 * there is, in any number of threads at once, and must leave no trace.
 *
 * *Method.*
 *
 * ```text
 *   areas:  .quad  address of the first CPU's area
 *   quiet:  pop %rax; pop %rcx; lea 128(%rsp),%rsp; jmp copies
 *   entry:  lea -128(%rsp),%rsp; push %rcx; push %rax        below the red zone
 *           movabs $enabled,%rcx; mov (%rcx),%ecx; jrcxz quiet
 *           lahf; seto %al                                   the flags, but for DF, which nothing here changes
 *           rdpid %rcx; and $mask,%ecx; shl $size,%rcx; add areas(%rip),%rcx
 *           lock incq counter(%rcx)
 *           add $127,%al; sahf; pop %rax; pop %rcx; lea 128(%rsp),%rsp
 *   copies: the displaced instructions of the window; a jump back
 * ```
 *
 * The counter is that of the CPU, so that the locked add costs what an add in the cache costs; it is locked because a
 * thread may be moved to another CPU in between. `lahf` and `seto` save what `pushf` would for a third of its time.
 *
 * *Invariants.*
 * - All pushes come before a register is changed. If one of them faults, because the stack ends there, the thread can be set
 *   back to the site; from then on it is *held* until the copies begin, and nothing that it does can fault or block.
 * - The word `enabled` is tested first: in a child of fork(2) it is 0 (`MADV_WIPEONFORK`), and so it is without a tracer.
 *
 * @module
 */

import { type Address, toAddress } from "../../address.ts";
import type { JumpWindow, PadAction, PadCode, PadMemory } from "../isa.ts";
import { appendDisplaced } from "./displace.ts";
import type { X86Instruction } from "./instruction.ts";
import { SlotCode } from "./slot_code.ts";

/** The size of the red zone below the stack pointer, in bytes (psABI 3.2.2). */
const RED_ZONE_BYTES = 128;
/** What an area's address takes, in bytes. */
const WORD_BYTES = 8;

const LEA_DOWN = [0x48, 0x8d, 0x64, 0x24, 0x80]; // lea -128(%rsp),%rsp
const LEA_UP = [0x48, 0x8d, 0xa4, 0x24, 0x80, 0, 0, 0]; // lea 128(%rsp),%rsp
const PUSH_RCX = 0x51;
const PUSH_RAX = 0x50;
const POP_BOTH = [0x58, 0x59]; // pop %rax; pop %rcx

/** See `JumpInstaller.makePad` of `isa.ts`. */
export function makePad(
  window: JumpWindow,
  pad: Address,
  memory: PadMemory,
  action: PadAction,
): PadCode | undefined {
  const quietBytes = POP_BOTH.length + LEA_UP.length + 2;
  const entry = WORD_BYTES + quietBytes;
  const out = new SlotCode(toAddress(pad - entry));
  const { address } = window;
  out.resume(address, false, { isHeld: true });
  out.word(memory.areas);
  out.bytes(...POP_BOTH, ...LEA_UP, 0xeb, 0); // ...; jmp copies
  const quietEnd = out.length;
  appendPushes(address, out);
  out.resume(address, false, { isHeld: true });
  out.bytes(0x48, 0xb9); // movabs $enabled,%rcx
  out.word(memory.enabled);
  out.bytes(0x8b, 0x09); // mov (%rcx),%ecx
  out.bytes(0xe3, WORD_BYTES - (out.length + 2)); // jrcxz quiet
  out.bytes(0x9f, 0x0f, 0x90, 0xc0); // lahf; seto %al
  appendArea(memory, out);
  out.bytes(0xf0, 0x48, 0xff, 0x81); // lock incq counter(%rcx)
  out.half(action.counterOffset);
  out.bytes(0x04, 0x7f, 0x9e); // add $127,%al; sahf
  out.bytes(...POP_BOTH, ...LEA_UP);
  out.patch(quietEnd - 1, out.length - quietEnd);
  const copies = appendCopies(window, out);
  return copies === undefined ? undefined : { ...out.finish(), entry, copies };
}

function appendPushes(address: Address, out: SlotCode): void {
  out.resume(address, false);
  out.bytes(...LEA_DOWN);
  out.resume(address, false, { stackBytes: RED_ZONE_BYTES });
  out.bytes(PUSH_RCX);
  out.resume(address, false, { stackBytes: RED_ZONE_BYTES + 8 });
  out.bytes(PUSH_RAX);
}

/** Writes the address of the CPU's area into rcx. */
function appendArea({ areasTotal, areaBytes }: PadMemory, out: SlotCode): void {
  out.bytes(0xf3, 0x0f, 0xc7, 0xf9); // rdpid %rcx
  out.bytes(0x81, 0xe1); // and $mask,%ecx
  out.half(areasTotal - 1);
  out.bytes(0x48, 0xc1, 0xe1, Math.log2(areaBytes)); // shl $size,%rcx
  out.bytes(0x48, 0x03, 0x0d); // add areas(%rip),%rcx
  out.half(-(out.length + 4));
}

/** Writes the displaced instructions. Returns where each begins; undefined if one cannot be displaced. */
function appendCopies({ instructions, code, address }: JumpWindow, out: SlotCode): number[] | undefined {
  const copies: number[] = [];
  for (const [index, instruction] of instructions.entries()) {
    const offset = instruction.address - address;
    // Padding that is a trap stays the program's own, where it is.
    if (index > 0 && instruction.refusal !== undefined) {
      copies.push(-1);
      continue;
    }
    copies.push(out.length);
    const jumpsBack = index === instructions.length - 1 || instructions[index + 1]!.refusal !== undefined;
    if (!appendDisplaced(instruction as X86Instruction, code.subarray(offset), out, { jumpsBack })) return undefined;
  }
  return copies;
}
