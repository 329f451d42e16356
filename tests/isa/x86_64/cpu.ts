/**
 * A real processor to compare with: runs single instructions in a traced process whose registers and memory the test
 * chooses.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { cString, cStrings, type Kernel, openKernel } from "../../../ffi/ffi.ts";
import type { WordMemory } from "../../../lib/isa/isa.ts";
import { REGISTERS_BYTES, RIP } from "../../../lib/isa/x86_64/registers.ts";
import { fromHalves, highHalf } from "../../../lib/address.ts";

/** Memory of the process, as pairs of address and size. The addresses have two halves, so that carries are seen. */
export const REGION = {
  /** Where instructions are. */
  CODE: 0x1234_fffe_0000,
  /** Data within reach of RIP-relative operands. */
  DATA: 0x1234_ffff_0000,
  /** The stack; what surrounds it is not mapped. */
  STACK: 0x1235_0010_0000,
  /** Data for 32-bit addresses. */
  LOW: 0x1000_0000,
  /** A slot within reach of the code. */
  NEAR: 0x1235_4000_0000,
  /** A slot out of reach. */
  FAR: 0x1300_0000_0000,
} as const;

const REGION_BYTES = 0x1000;

/** The regions whose contents are compared, and how much of each. */
const WINDOWS = [REGION.DATA, REGION.STACK, REGION.LOW] as const;
const WINDOW_BYTES = 0x400;

const PTRACE_O_EXITKILL = 0x100000;
const NT_PRSTATUS = 1;
const NT_X86_XSTATE = 0x202;
const SIGTRAP = 5;
const SIGKILL = 9;
const LIMIT_US = 5e6;

/** The windows' contents, one after the other. Also the memory that emulation works on. */
export class Windows implements WordMemory {
  /** The contents of each window. */
  readonly bytes: Uint8Array<ArrayBuffer>[] = WINDOWS.map(() => new Uint8Array(WINDOW_BYTES));

  readWord(address: number, into: Uint32Array): boolean {
    const view = this.#find(address);
    if (view === undefined) return false;
    into[0] = view.getUint32(0, true);
    into[1] = view.getUint32(4, true);
    return true;
  }

  writeWord(address: number, lo: number, hi: number): boolean {
    const view = this.#find(address);
    if (view === undefined) return false;
    view.setUint32(0, lo, true);
    view.setUint32(4, hi, true);
    return true;
  }

  /** Makes a copy. */
  clone(): Windows {
    const copy = new Windows();
    copy.bytes.forEach((bytes, i) => bytes.set(this.bytes[i]!));
    return copy;
  }

  #find(address: number): DataView | undefined {
    const index = WINDOWS.findIndex((start) => address >= start && address + 8 <= start + WINDOW_BYTES);
    return index < 0 ? undefined : new DataView(this.bytes[index]!.buffer, address - WINDOWS[index]!, 8);
  }
}

/** What an instruction, or a slot, has left. */
export interface Outcome {
  /** The signal that stopped it; SIGTRAP if nothing went wrong. */
  readonly signal: number;
  /** The general registers. */
  readonly registers: Uint32Array<ArrayBuffer>;
  /** The vector and x87 registers, if asked for. */
  readonly extended: Uint8Array<ArrayBuffer> | undefined;
  /** The memory. */
  readonly windows: Windows;
}

/** A traced process. */
export class Cpu implements Disposable {
  readonly #kernel: Kernel;
  readonly #pid: number;
  readonly #status = new Int32Array(1);
  /** The registers of the process when it was ready. */
  readonly initial = new Uint32Array(REGISTERS_BYTES / 4);

  private constructor(kernel: Kernel, pid: number) {
    this.#kernel = kernel;
    this.#pid = pid;
    this.#wait(); // PTRACE_EVENT_EXEC
    this.#check(kernel.call.ft_continue(pid, 0));
    assertEquals(this.#wait(), SIGTRAP);
    this.#getRegisters(this.initial);
  }

  /** Compiles and starts the process. */
  static async start(): Promise<Cpu> {
    const folder = await Deno.makeTempDir();
    try {
      const program = `${folder}/cpu_target`;
      const source = new URL("cpu_target.c", import.meta.url).pathname;
      const { success } = await new Deno.Command("cc", { args: ["-O1", "-o", program, source] }).output();
      assert(success, "cc could not compile cpu_target.c");
      const args = Object.values(REGION).flatMap((address) => [address.toString(16), REGION_BYTES.toString(16)]);
      const argv = [program, ...args];
      const kernel = openKernel();
      const pid = kernel.call.ft_spawn(
        cString(program),
        cStrings(argv),
        argv.length,
        new Uint8Array(1),
        0,
        cString(""),
        0,
        1,
        2,
        PTRACE_O_EXITKILL,
      );
      return new Cpu(kernel, kernel.check(pid, "spawn", program));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }

  /** Writes to the process's memory. */
  write(address: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.#check(this.#kernel.call.ft_write_memory(this.#pid, address, bytes, bytes.length));
  }

  /** Fetches the vector and x87 registers, as XSAVE lays them out. */
  extendedState(): Uint8Array<ArrayBuffer> {
    const buffer = new Uint8Array(16384);
    return buffer.slice(0, this.#check(this.#kernel.call.ft_get_regset(this.#pid, NT_X86_XSTATE, buffer, 16384)));
  }

  /**
   * Runs from a pc, one instruction after the other, until the pc is elsewhere or something goes wrong.
   *
   * @param registers The registers to begin with, pc included.
   * @param windows The memory to begin with.
   * @param range Where to stay, from the pc.
   * @param extended The vector and x87 registers to begin with; they are compared then.
   * @param visit Is told the pc before each instruction.
   */
  run(
    registers: Uint32Array<ArrayBuffer>,
    windows: Windows,
    range: number,
    extended?: Uint8Array<ArrayBuffer>,
    visit?: (pc: number) => void,
  ): Outcome {
    const { call } = this.#kernel;
    const start = fromHalves(registers[RIP]!, registers[RIP + 1]!);
    const after = { registers: registers.slice(), windows: new Windows() };
    WINDOWS.forEach((address, i) => this.write(address, windows.bytes[i]!));
    if (extended !== undefined) {
      this.#check(call.ft_set_regset(this.#pid, NT_X86_XSTATE, extended, extended.length));
    }
    const buffer = new Uint8Array(after.registers.buffer);
    this.#check(call.ft_set_regset(this.#pid, NT_PRSTATUS, buffer, REGISTERS_BYTES));
    let signal = SIGTRAP;
    let pc = start;
    for (let count = 0; signal === SIGTRAP && pc >= start && pc < start + range; count++) {
      assert(count < 1000, "it does not end");
      visit?.(pc);
      this.#check(call.ft_step(this.#pid, 0));
      signal = this.#wait();
      this.#getRegisters(after.registers);
      pc = fromHalves(after.registers[RIP]!, after.registers[RIP + 1]!);
    }
    WINDOWS.forEach((address, i) => {
      this.#check(call.ft_read_memory(this.#pid, address, after.windows.bytes[i]!, WINDOW_BYTES));
    });
    return { signal, ...after, extended: extended && this.extendedState() };
  }

  /** Kills the process. */
  [Symbol.dispose](): void {
    this.#kernel.call.ft_kill(0, this.#pid, SIGKILL);
    this.#kernel.call.ft_wait(this.#pid, LIMIT_US, this.#status);
    this.#kernel[Symbol.dispose]();
  }

  #getRegisters(registers: Uint32Array<ArrayBuffer>): void {
    const buffer = new Uint8Array(registers.buffer);
    this.#check(this.#kernel.call.ft_get_regset(this.#pid, NT_PRSTATUS, buffer, REGISTERS_BYTES));
  }

  /** Waits for a stop; returns its signal. */
  #wait(): number {
    assertEquals(this.#kernel.call.ft_wait(this.#pid, LIMIT_US, this.#status), this.#pid);
    assertEquals(this.#status[0]! & 0xff, 0x7f, "the process is gone");
    return (this.#status[0]! >> 8) & 0xff;
  }

  #check(result: number): number {
    return this.#kernel.check(result, "drive", `process ${this.#pid}`);
  }
}

/** Sets a register to a number. */
export function setRegister(registers: Uint32Array, register: number, value: number): void {
  registers[register] = value >>> 0;
  registers[register + 1] = highHalf(value);
}
