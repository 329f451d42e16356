/**
 * The stopped thread that is being dealt with: its registers, and the signal that it stopped for.
 *
 * There is one set of buffers for all threads, because the tracer deals with one stopped thread at a time, and a hit
 * must not allocate. Whoever deals with others in between (see `Tracer.quiesce`) saves the registers and puts them back.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import { type Address, fromHalves, highHalf } from "../address.ts";
import type { RegisterHalves } from "../isa/isa.ts";
import type { Image, Thread } from "./process.ts";
import {
  eventOf,
  NT_PRSTATUS,
  SIGBUS,
  SIGFPE,
  SIGILL,
  SIGINFO_BYTES,
  signalOf,
  SIGSEGV,
  SIGTRAP,
  TRAP_TRACE,
} from "./ptrace.ts";

/** Room for the general registers of any architecture, in 32-bit halves. */
const REGISTERS_LIMIT = 128;
/** The signals of faults. */
const FAULTS: readonly number[] = [SIGILL, SIGBUS, SIGFPE, SIGSEGV, SIGTRAP];

/** See the module's comment. */
export class StopContext {
  /** The registers of the thread that was loaded last. */
  readonly registers: RegisterHalves = new Uint32Array(REGISTERS_LIMIT);
  readonly #kernel: Kernel;
  readonly #registerBytes = new Uint8Array(this.registers.buffer);
  readonly #siginfoBytes = new Uint8Array(SIGINFO_BYTES);
  readonly #siginfo = new DataView(this.#siginfoBytes.buffer);

  /**
   * Makes the buffers.
   *
   * @param kernel The kernel's requests.
   */
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * Loads the registers of a stopped thread into {@linkcode StopContext.registers}.
   *
   * @param thread The thread.
   * @returns Whether it is still there.
   */
  loadRegisters(thread: Thread): boolean {
    const size = thread.process.image.isa.registersBytes;
    return this.#kernel.call.ft_get_regset(thread.tid, NT_PRSTATUS, this.#registerBytes, size) >= 0;
  }

  /**
   * Stores {@linkcode StopContext.registers} into a stopped thread, which goes on with them whatever it has stopped for,
   * also if the tracer dies before it says so.
   *
   * @param thread The thread.
   */
  storeRegisters(thread: Thread): void {
    thread.process.image.isa.keeper?.markAnswered(this.registers);
    this.putBackRegisters(thread);
  }

  /**
   * Stores {@linkcode StopContext.registers} into a stopped thread whose stop is still to be answered: what it had.
   *
   * @param thread The thread.
   */
  putBackRegisters(thread: Thread): void {
    const size = thread.process.image.isa.registersBytes;
    this.#kernel.call.ft_set_regset(thread.tid, NT_PRSTATUS, this.#registerBytes, size);
  }

  /**
   * Reads the `siginfo_t` of a thread in a signal-delivery-stop.
   *
   * @param thread The thread.
   * @returns The bytes, which the next call overwrites; undefined if the thread is gone.
   */
  readSiginfo(thread: Thread): DataView | undefined {
    return this.#kernel.call.ft_get_siginfo(thread.tid, this.#siginfoBytes) < 0 ? undefined : this.#siginfo;
  }

  /**
   * Reads the `siginfo_t` of a fault that an instruction has raised.
   *
   * @param thread The thread.
   * @returns As {@linkcode StopContext.readSiginfo}; undefined as well if the thread has stopped for something else.
   */
  readFault(thread: Thread): DataView | undefined {
    if (eventOf(thread.status) !== 0 || !FAULTS.includes(signalOf(thread.status))) return undefined;
    const siginfo = this.readSiginfo(thread);
    return siginfo !== undefined && siginfo.getInt32(8, true) > 0 ? siginfo : undefined;
  }

  /**
   * Reads why a thread in a signal-delivery-stop gets its signal.
   *
   * @param thread The thread.
   * @returns The `si_code`, `TRAP_TRACE` for each step that it makes; undefined if the thread is gone.
   */
  signalCode(thread: Thread): number | undefined {
    const siginfo = this.readSiginfo(thread);
    const code = siginfo?.getInt32(8, true);
    if (!thread.stepping || code !== thread.process.image.isa.callStepCode) return code;
    // Where that is the code of signals from users as well, those tell who they are.
    const isStep = siginfo!.getInt32(0, true) === SIGTRAP && (code > 0 || siginfo!.getInt32(16, true) === 0);
    return isStep ? TRAP_TRACE : code;
  }

  /**
   * The pc in {@linkcode StopContext.registers}.
   *
   * @param image The image whose instruction set it is.
   * @returns Any number; an address nearly always.
   */
  getPc(image: Image): number {
    const { pc } = image.isa.registers;
    return fromHalves(this.registers[pc]!, this.registers[pc + 1]!);
  }

  /**
   * The address of the trap that a thread has stopped for, whose registers are in {@linkcode StopContext.registers}.
   *
   * @param thread The thread.
   * @returns Any number; an address nearly always.
   */
  getTrapPc({ process: { image }, isSetBack }: Thread): number {
    return this.getPc(image) - (isSetBack ? 0 : image.isa.trapPcBytes);
  }

  /**
   * The stack pointer in {@linkcode StopContext.registers}.
   *
   * @param image The image whose instruction set it is.
   * @returns Any number.
   */
  getSp(image: Image): number {
    const { sp } = image.isa.registers;
    return fromHalves(this.registers[sp]!, this.registers[sp + 1]!);
  }

  /**
   * Changes the pc in {@linkcode StopContext.registers}.
   *
   * @param image The image whose instruction set it is.
   * @param address The new pc.
   */
  setPc(image: Image, address: Address): void {
    const { pc } = image.isa.registers;
    this.registers[pc] = address >>> 0;
    this.registers[pc + 1] = highHalf(address);
  }
}
