/**
 * What the rest of the project knows of an instruction set.
 *
 * *Problem.* A tracepoint replaces an instruction by a trap. When a thread arrives there, the instruction still has to
 * take effect, exactly as if nothing had been written over it, on a machine that the tracer may only reach by ptrace.
 *
 * *Method.* Three ways, best first:
 *
 * 1. {@linkcode Isa.emulate}: the instruction is simple; its effect is written into the stopped thread's registers
 *    (and stack) and the thread goes on behind it. No further stop.
 * 2. {@linkcode Isa.displace}: a copy of the instruction in a *slot* near its module, followed by a jump back. The
 *    thread is sent to the slot and returns by itself. The slot never changes while it is in use, so all threads share
 *    it.
 * 3. Neither: the instruction is put back, stepped in place with all other threads stopped, and the trap written again.
 *    This is the last fallback, and the caller's business.
 *
 * *Invariants.*
 * - Everything here is pure: bytes and registers in, bytes and registers out. The instruction set is chosen by the
 *   *target's* `e_machine`, never by the host.
 * - `emulate` either performs the whole instruction or changes nothing and returns false. A memory access that fails
 *   is the second case: the real instruction then makes the real fault (fasttrap rule 129).
 * - At every byte of a slot where a thread can be found, {@linkcode Displacement.resume} says which original pc that
 *   is, so that no signal handler, core file or debugger ever needs to see a slot's address.
 *
 * Each architecture has a folder with the same six files: `architecture.ts` (the {@linkcode Isa} object),
 * `arguments.ts`, `decode.ts`, `displace.ts`, `emulate.ts` and `install.ts`.
 *
 * @module
 */

import type { Address } from "../address.ts";
import type { KeeperInstaller } from "./keeper.ts";
import type { JumpInstaller } from "./jumps.ts";

/**
 * What an instruction does to the program counter.
 *
 * - `next`: goes on behind itself, also when it is repeated (`rep movs`).
 * - `jump`, `branch`, `call`: to {@linkcode Instruction.target}, always, on a condition, with a return address.
 * - `indirect-jump`, `indirect-call`: to a register's or a memory word's value.
 * - `return`: to the word at the top of the stack (near returns only).
 * - `system-call`: goes on behind itself, but in the kernel's own way (a child may start there, `execve` may not
 *   return, an interrupted call may be repeated).
 * - `other`: anything that cannot be said here (far transfers, `iret`, `xbegin`, traps).
 */
export type Flow =
  | "next"
  | "jump"
  | "branch"
  | "call"
  | "indirect-jump"
  | "indirect-call"
  | "return"
  | "system-call"
  | "other";

/** A decoded instruction. Each architecture extends it with what its own modules need. */
export interface Instruction {
  /** Where it is, or would be. */
  readonly address: Address;
  /** Its size in bytes. */
  readonly length: number;
  /** What it does to the program counter. */
  readonly flow: Flow;
  /** Where a direct `jump`, `branch` or `call` leads; undefined for every other flow, and when it is no address. */
  readonly target: Address | undefined;
  /** Why no probe can be put on it, as the end of a sentence ("it is int3, which debuggers use"); undefined if one can. */
  readonly refusal: string | undefined;
  /** A constant in the text that it loads, if the instruction tells which: data, where no probe can be. */
  readonly literal?: Literal | undefined;
}

/** A constant in the text. */
export interface Literal {
  /** Where it is. */
  readonly address: Address;
  /** Its size in bytes. */
  readonly sizeBytes: number;
}

/** Memory of the stopped thread, as emulation needs it. Words are 8 bytes, as two unsigned 32-bit halves. */
export interface WordMemory {
  /**
   * Reads a word.
   *
   * @param address Where; any number. What is no address fails.
   * @param into Receives the low and the high half at index 0 and 1.
   * @returns Whether all 8 bytes could be read.
   */
  readWord(address: number, into: Uint32Array): boolean;
  /**
   * Writes a word.
   *
   * @param address Where; any number. What is no address fails.
   * @param lo The low 32 bits, unsigned.
   * @param hi The high 32 bits, unsigned.
   * @returns Whether all 8 bytes could be written; if not, none was.
   */
  writeWord(address: number, lo: number, hi: number): boolean;
}

/**
 * The general registers of a stopped thread, in the layout that `PTRACE_GETREGSET` with `NT_PRSTATUS` uses for the
 * target's machine, as little-endian 32-bit halves: register `n` is at index `2 * n` (low) and `2 * n + 1` (high).
 */
export type RegisterHalves = Uint32Array;

/** A place in a slot where a thread can be found, and what it means for the program. */
export interface ResumePoint {
  /** The offset in the slot, in bytes. */
  readonly offset: number;
  /** The original pc that a thread at this place has as far as the program can know. */
  readonly pc: Address;
  /** Whether the original instruction has taken effect here. */
  readonly done: boolean;
  /** What to add to the stack pointer, in bytes, to undo a half-done push; 0 nearly always. */
  readonly stackBytes: number;
  /** The index of the low half of a register that must be given the pc too, because it still has one of the slot; or -1. */
  readonly pcRegister: number;
  /**
   * Whether registers and shared memory are in use here for something that is not the program's, so that a thread cannot be
   * set back from here, but has to go on to the next place where that is over.
   */
  readonly isHeld: boolean;
}

/** The contents of a slot. */
export interface Displacement {
  /** The code, at most {@linkcode Isa.slotBytes} long. */
  readonly code: Uint8Array;
  /** Every instruction boundary of the code, in ascending order of offset. The first is `{ offset: 0, done: false }`. */
  readonly resume: readonly ResumePoint[];
}

/** An instruction set. */
export interface Isa {
  /** Its name as `uname -m` and the folder have it: `x86_64`. */
  readonly name: string;
  /** Its `e_machine` in ELF files. */
  readonly machine: number;
  /** The unit of instruction addresses in bytes: 1 on x86, 4 on aarch64 (fasttrap rule 4). */
  readonly unitBytes: number;
  /** The longest instruction in bytes. */
  readonly longestBytes: number;
  /** What users must know before they trace a program of it, as a sentence about its code; undefined if nothing. */
  readonly caution?: string;
  /** The size of the register set in bytes. */
  readonly registersBytes: number;
  /** The size that every slot fits in, in bytes. */
  readonly slotBytes: number;
  /** How far a slot may be from the instruction it displaces, in bytes. */
  readonly slotReachBytes: number;
  /** The bytes of the trap. */
  readonly trap: Uint8Array;
  /** How far behind the trap's address the pc is when it is reported: 1 on x86, 0 on aarch64. */
  readonly trapPcBytes: number;
  /** The `si_code` of the SIGTRAP that the trap raises (`asm-generic/siginfo.h`). */
  readonly trapCode: number;
  /** The `si_code` of the SIGTRAP that tells of a single step over a system call; that of other steps is `TRAP_TRACE`. */
  readonly callStepCode: number;
  /** The bytes of a system call instruction, to be looked for in the target. */
  readonly systemCall: Uint8Array;

  /**
   * Decodes one instruction.
   *
   * @param code Bytes that hold it; those behind it do not matter.
   * @param offset Where in `code` it begins.
   * @param address Its address in the target.
   * @returns The instruction; undefined if the bytes are none, or end before it does.
   */
  decode(code: Uint8Array, offset: number, address: Address): Instruction | undefined;

  /** How many bytes before and behind an instruction {@linkcode Isa.contextRefusal} looks at; 0 if there is no such thing. */
  readonly contextBytes: number;

  /**
   * Tells why no probe can be on an instruction because of those around it.
   *
   * @param code Bytes that hold it and, as far as they can be read, {@linkcode Isa.contextBytes} before and behind it.
   * @param offset Where in `code` it begins.
   * @returns The reason, as the end of a sentence; undefined if there is none.
   */
  contextRefusal(code: Uint8Array, offset: number): string | undefined;

  /**
   * Performs an instruction on a stopped thread's registers and memory, pc included.
   *
   * @param instruction What {@linkcode Isa.decode} gave for the original bytes.
   * @param registers The registers, changed in place; the pc in it is not read.
   * @param memory The thread's memory.
   * @returns Whether it was performed. If not, nothing was changed.
   */
  emulate(instruction: Instruction, registers: RegisterHalves, memory: WordMemory): boolean;

  /**
   * Makes the contents of a slot.
   *
   * @param instruction What {@linkcode Isa.decode} gave for the original bytes.
   * @param code The original bytes of the instruction.
   * @param slot The address at which the slot will be.
   * @returns The contents; undefined if a copy elsewhere cannot have the same effect.
   */
  displace(instruction: Instruction, code: Uint8Array, slot: Address): Displacement | undefined;

  /**
   * Takes back what a single step over an instruction has shown the program of it: the processor steps by a flag, which
   * some instructions save. The program must not step itself.
   *
   * @param instruction What {@linkcode Isa.decode} gave for the original bytes.
   * @param registers The registers behind the step, changed in place.
   * @param memory The thread's memory.
   * @returns Whether registers were changed.
   */
  hideStep(instruction: Instruction, registers: RegisterHalves, memory: WordMemory): boolean;

  /**
   * Tells whether a static probe can fire at an instruction: one that compilers and linkers leave where they have taken a
   * call of the probe out (fasttrap rule 153). Anything else there means that the object is wrong about the place.
   *
   * @param instruction The instruction.
   * @returns Whether it is a `nop`, or what a tail call of the probe becomes.
   */
  firesAt(instruction: Instruction): boolean;

  /**
   * Tells whether the program can ask at an instruction whether a static probe is enabled (fasttrap rule 134).
   *
   * @param instruction The instruction.
   * @returns Whether it sets the result register to 0, or is a `nop` behind one that does.
   */
  asksAt(instruction: Instruction): boolean;

  /** Puts jumps into the text, so that hits need not stop the thread; undefined if that is not done on this machine. */
  readonly jumps?: JumpInstaller;

  /** Lets programs outlive their tracer; undefined if that is not done on this machine. */
  readonly keeper?: KeeperInstaller;

  /** Reads and changes the registers that have a meaning to everyone. */
  readonly registers: RegisterAccess;
}

/** A register, or a part of one, that a compiler has named. */
export type NamedRegister =
  | {
    /** A general register. */
    readonly kind: "general";
    /** The index of its low half. */
    readonly index: number;
    /** The size of the part that is named, in bytes. */
    readonly bytes: 1 | 2 | 4 | 8;
    /** Whether the part is the second byte of the register (`ah`). */
    readonly isHighByte: boolean;
  }
  | {
    /** A vector register, which is not among the general ones. */
    readonly kind: "vector";
    /** Its number. */
    readonly number: number;
  }
  | {
    /** A register that always holds 0 (`xzr`). */
    readonly kind: "zero";
  };

/** The registers that have a meaning to everyone, and the calling convention of C. */
export interface FrameRegisters {
  /** The indices of the low halves of general registers by their numbers in DWARF (psABI figure 3.36; AADWARF64, 4.1). */
  readonly indices: Uint8Array;
  /** The number of the frame pointer. */
  readonly fp: number;
  /** That of the stack pointer. */
  readonly sp: number;
  /** That of the pc. */
  readonly pc: number;
  /** That of the register that has the return address when a function begins; undefined if it is on the stack. */
  readonly link: number | undefined;
}

/** The registers that have a meaning to everyone. */
export interface RegisterAccess {
  /** The index of the pc's low half. */
  readonly pc: number;
  /** The index of the stack pointer's low half. */
  readonly sp: number;
  /** The index of the low half of the first word of a return value. */
  readonly result: number;
  /** The index of the low half of the second word of a return value. */
  readonly result2: number;

  /** The registers as call frame information knows them. */
  readonly frames: FrameRegisters;
  /** The indices of the low halves of those that a capture of registers has, in its order. */
  readonly captured: readonly number[];

  /** Where the vector registers are in the set that `PTRACE_GETREGSET` gives for `NT_PRFPREG`, in bytes. */
  readonly vectors: { readonly sizeBytes: number; offsetOf(number: number): number };

  /**
   * What `PTRACE_GETREGSET` is asked for registers that a system call clears, though the program does not expect it where it is
   * made to make one; at most so many bytes. Undefined if there are none.
   */
  readonly clearedByCalls?: { readonly note: number; readonly sizeBytes: number };

  /**
   * Finds a register by the name that assemblers give it.
   *
   * @param name The name in lower case, without a sign in front of it.
   * @returns Where it is; undefined if there is none that can be read.
   */
  named(name: string): NamedRegister | undefined;

  /**
   * Finds the base of a segment.
   *
   * @param segment The segment.
   * @returns The index of its low half; undefined on machines without segments.
   */
  segmentBase(segment: "fs" | "gs"): number | undefined;

  /**
   * Fetches an integer or pointer argument of a C function.
   *
   * @param registers The registers.
   * @param memory The thread's memory, for arguments on the stack.
   * @param index Which argument, from 0.
   * @param atEntry Whether the thread is at the first instruction of the function, where the return address is on the
   *   stack.
   * @param into Receives the low and the high half at index 0 and 1; zeros if it cannot be read.
   * @returns Whether it could be read.
   */
  argument(
    registers: RegisterHalves,
    memory: WordMemory,
    index: number,
    atEntry: boolean,
    into: Uint32Array,
  ): boolean;

  /**
   * Changes an integer or pointer argument of a C function.
   *
   * @param registers The registers, changed in place.
   * @param memory The thread's memory, for arguments on the stack.
   * @param index Which argument, from 0.
   * @param atEntry Whether the thread is at the first instruction of the function.
   * @param value The low and the high half at index 0 and 1.
   * @returns Whether it could be written.
   */
  setArgument(
    registers: RegisterHalves,
    memory: WordMemory,
    index: number,
    atEntry: boolean,
    value: Uint32Array,
  ): boolean;

  /**
   * Prepares registers for a system call whose instruction is at the pc.
   *
   * @param registers The registers, changed in place, pc not included. No interrupted system call is repeated
   *   afterwards.
   * @param number The number of the system call.
   * @param parameters Up to six integers; negative ones are sign-extended to 64 bits.
   */
  prepareSystemCall(registers: RegisterHalves, number: number, parameters: readonly number[]): void;

  /**
   * Tells whether the program has asked the processor for a trap after each instruction.
   *
   * @param registers The registers.
   * @returns Whether it has.
   */
  stepsItself(registers: RegisterHalves): boolean;

  /**
   * Takes back that the processor makes a trap after each instruction.
   *
   * @param registers The registers, changed in place.
   */
  endSteps(registers: RegisterHalves): void;

  /** The numbers of the system calls that the tracer needs in the target. */
  readonly systemCalls: {
    readonly mmap: number;
    readonly munmap: number;
    readonly rtSigaction: number;
    readonly madvise: number;
    readonly memfdCreate: number;
    readonly ftruncate: number;
    readonly close: number;
    readonly prctl: number;
  };
}
