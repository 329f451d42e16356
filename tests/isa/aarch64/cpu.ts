/**
 * A processor to compare with: runs single instructions, or whole slots, in a program for aarch64 under qemu-user, whose
 * registers and memory the test chooses.
 *
 * @module
 */

import { assert } from "@std/assert";
import { fromHalves, highHalf } from "../../../lib/address.ts";
import type { WordMemory } from "../../../lib/isa/isa.ts";
import { PC, REGISTERS_BYTES } from "../../../lib/isa/aarch64/registers.ts";
import { within } from "../../support.ts";

/** Memory of the program, by address. The first three are windows, whose contents are compared. */
export const REGION = {
  /** Data near the code, behind an address whose low half is 0, so that carries are seen. */
  DATA: 0x6_0000_0000,
  /** The stack; what surrounds it is not mapped. */
  STACK: 0x7_0000_0000,
  /** More data. */
  LOW: 0x1000_0000,
  /** Where instructions are. */
  CODE: 0x5_ffff_8000,
  /** Slots from which literals near the code are in reach. */
  CLOSE: 0x6_0001_0000,
  /** Slots from which only the code itself is. */
  NEAR: 0x6_0600_0000,
  /** Much memory, for rings of records. */
  RINGS: 0x8_0000_0000,
} as const;

const WINDOWS = [REGION.DATA, REGION.STACK, REGION.LOW] as const;
/** How much of each window is compared, in bytes. */
export const WINDOW_BYTES = 0x800;
const REGION_BYTES = 0x1000;
/** How much is at {@linkcode REGION.RINGS}, in bytes. */
export const RINGS_BYTES = 0x80_0000;

const COMPILER = "aarch64-linux-gnu-gcc";
const EMULATOR = "qemu-aarch64";
/** With SVE, qemu takes vector registers from a part of the signal frame that cpu_target.c does not write. */
const CPU = "max,sve=off,sme=off";

/** What requests are. */
const WRITE = 0, RUN = 1, CALL = 2, READ = 3;
const HEADER_BYTES = 16;
const VECTORS_BYTES = 512;
const STATE_BYTES = 16 + REGISTERS_BYTES + VECTORS_BYTES + WINDOWS.length * WINDOW_BYTES;

/** Why there is no such processor here; undefined if there is. */
export const missing: string | undefined = await findMissing();

async function findMissing(): Promise<string | undefined> {
  for (const program of [COMPILER, EMULATOR]) {
    if (!await isInstalled(program)) return program;
  }
  return undefined;
}

/** Whether a program can be started. */
export async function isInstalled(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"] }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The windows' contents. Also the memory that emulation works on. */
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

/** Registers and memory. */
export interface State {
  /** The general registers, in halves. */
  readonly registers: Uint32Array<ArrayBuffer>;
  /** The vector registers. */
  readonly vectors: Uint8Array<ArrayBuffer>;
  /** The memory. */
  readonly windows: Windows;
}

/** What instructions have left. */
export interface Outcome extends State {
  /** The signal that ended them: SIGTRAP where a trap is, or a fault. */
  readonly signal: number;
}

/** The program. */
export class Cpu implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #output: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  #unread = new Uint8Array(0);

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.#input = process.stdin.getWriter();
    this.#output = process.stdout.getReader();
  }

  /** Compiles and starts the program, on a processor of qemu's. */
  static async start(model = CPU): Promise<Cpu> {
    const folder = await Deno.makeTempDir();
    try {
      const program = `${folder}/cpu_target`;
      const source = new URL("cpu_target.c", import.meta.url).pathname;
      const { success } = await new Deno.Command(COMPILER, {
        args: ["-O1", "-static", "-pthread", "-o", program, source],
      }).output();
      assert(success, `${COMPILER} could not compile cpu_target.c`);
      const args = Object.values(REGION).flatMap((address) => [hex(address), hex(sizeOf(address))]);
      const command = new Deno.Command(EMULATOR, {
        args: ["-cpu", model, program, ...args],
        stdin: "piped",
        stdout: "piped",
      });
      const cpu = new Cpu(command.spawn());
      await cpu.#fillWithTraps();
      // It has started when it answers; until then its file is needed.
      await cpu.call(REGION.CODE, 0, 0);
      return cpu;
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }

  /** Writes to the program's memory. */
  async write(address: number, bytes: Uint8Array): Promise<void> {
    await this.#input.write(joined(header(WRITE, bytes.length, address), bytes));
  }

  /** Reads from the program's memory. */
  async read(address: number, sizeBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    await this.#input.write(header(READ, sizeBytes, address));
    return await this.#read(sizeBytes);
  }

  /** Runs from the pc in the registers to the first trap or fault. */
  async run({ registers, vectors, windows }: State): Promise<Outcome> {
    const halves = new Uint8Array(registers.buffer, 0, REGISTERS_BYTES);
    await this.#input.write(joined(header(RUN, 0, 0), new Uint8Array(16), halves, vectors, ...windows.bytes));
    const answer = await this.#read(STATE_BYTES);
    const after = new Windows();
    let at = 16 + REGISTERS_BYTES + VECTORS_BYTES;
    for (const bytes of after.bytes) {
      bytes.set(answer.subarray(at, at + WINDOW_BYTES));
      at += WINDOW_BYTES;
    }
    return {
      signal: answer[0]!,
      registers: new Uint32Array(answer.slice(16, 16 + REGISTERS_BYTES).buffer),
      vectors: answer.slice(16 + REGISTERS_BYTES, 16 + REGISTERS_BYTES + VECTORS_BYTES),
      windows: after,
    };
  }

  /** Has threads call a function, each with 0, 1, ...; returns the sum of all results. */
  async call(address: number, threads: number, rounds: number): Promise<number> {
    const count = new Uint8Array(new Uint32Array([rounds, 0]).buffer);
    await this.#input.write(joined(header(CALL, threads, address), count));
    const halves = new Uint32Array((await this.#read(8)).buffer);
    return fromHalves(halves[0]!, halves[1]!);
  }

  /** Ends the program. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
    await this.#input.abort().catch(() => {});
    await this.#output.cancel();
  }

  async #fillWithTraps(): Promise<void> {
    for (const address of [REGION.CODE, REGION.CLOSE, REGION.NEAR]) {
      await this.write(address, bytesOf(...new Array(sizeOf(address) / 4).fill(0xd420_0000)));
    }
  }

  async #read(size: number): Promise<Uint8Array<ArrayBuffer>> {
    while (this.#unread.length < size) {
      const { value } = await within(this.#output.read(), "an answer of the program");
      assert(value !== undefined, "the program has ended");
      this.#unread = joined(this.#unread, value);
    }
    const result = this.#unread.slice(0, size);
    this.#unread = this.#unread.slice(size);
    return result;
  }
}

/** Sets a register to a number. */
export function setRegister(registers: Uint32Array, index: number, value: number): void {
  registers[index] = value >>> 0;
  registers[index + 1] = highHalf(value);
}

/** The number in a register; inexact from 2^53 on. */
export function registerOf(registers: Uint32Array, index: number): number {
  return fromHalves(registers[index]!, registers[index + 1]!);
}

/** The pc. */
export function pcOf({ registers }: State): number {
  return registerOf(registers, PC);
}

/** The bytes of instructions. */
export function bytesOf(...words: number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => view.setUint32(4 * i, word, true));
  return bytes;
}

function sizeOf(address: number): number {
  if (address === REGION.RINGS) return RINGS_BYTES;
  return address === REGION.CODE ? REGION.DATA - REGION.CODE : REGION_BYTES;
}

function hex(value: number): string {
  return value.toString(16);
}

function header(kind: number, count: number, address: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES);
  new Uint32Array(bytes.buffer).set([kind, count, address >>> 0, highHalf(address)]);
  return bytes;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
