/**
 * Samples: threads that are looked at wherever they are.
 *
 * **The problem.** A profile asks what a program is doing, at no instruction in particular. The kernel would interrupt a
 * CPU; ptrace(2) interrupts threads, also those that sleep, which are not doing anything.
 *
 * **The method.** Only threads that `/proc` says to be running (or ready to run) are interrupted; each is looked at when it
 * has stopped, and goes on at once. A thread that stops for something else meanwhile, such as a trap, is left
 * to whom it may concern: it is at a probe, which tells more. One that is in a slot or a pad is shown as the program knows
 * it: the program's own registers, at the program's own instruction.
 *
 * **Limit.** A thread that falls asleep between the look at its state and the interruption is woken for a moment. The
 * kernel repeats the system call, but for the few that signal(7) lists as interrupted by stop signals.
 *
 * @module
 */

import type { Thread, TracedProcess } from "../process/process.ts";
import { readCpu, readState } from "../process/proc_files.ts";
import { INTERRUPTED } from "../process/ptrace.ts";
import { StackWalker } from "../process/stack_walker.ts";
import type { Tracer } from "../process/tracer.ts";
import { SystemError } from "../errors.ts";
import { checkIndex, signed } from "../fasttrap/hit_record.ts";
import { type Hit, STACK_FRAMES } from "../fasttrap/hit.ts";
import type { ProbeIdentity } from "../fasttrap/probe.ts";

const decoder = new TextDecoder();
const STRING_BYTES = 256;

/** What stands for the probe of a sample: it is in no table. */
export class SampleProbe implements ProbeIdentity {
  /** See {@linkcode ProbeIdentity.id}. */
  readonly id: number = 0;
  /** See {@linkcode ProbeIdentity.provider}. */
  readonly provider: string = "profile";
  /** See {@linkcode ProbeIdentity.module}. */
  readonly module: string = "";
  /** See {@linkcode ProbeIdentity.function}. */
  readonly function: string = "";
  /** See {@linkcode ProbeIdentity.name}. */
  readonly name: string = "sample";
  /** The process. */
  readonly process: TracedProcess;

  /**
   * Makes it.
   *
   * @param process The process.
   */
  constructor(process: TracedProcess) {
    this.process = process;
  }
}

/** Looks at threads that run. */
export class ThreadSampler {
  readonly #tracer: Tracer;
  readonly #sample: Sample;
  /** By the image, which is another one when another program runs. */
  readonly #probes = new WeakMap<object, SampleProbe>();

  /**
   * Makes a sampler.
   *
   * @param tracer The tracer.
   */
  constructor(tracer: Tracer) {
    this.#tracer = tracer;
    this.#sample = new Sample(tracer);
  }

  /**
   * Looks at each thread that runs.
   *
   * @param handler Called for each, while it is stopped.
   */
  sample(handler: (hit: Hit) => void): void {
    const { kernel, processes } = this.#tracer;
    const asked: Thread[] = [];
    for (const process of processes.values()) {
      if (!process.wanted) continue;
      for (const thread of process.threads.values()) {
        if (thread.state !== "running" || readState(kernel, process.pid, thread.tid) !== "R") continue;
        kernel.call.ft_interrupt(thread.tid);
        asked.push(thread);
      }
    }
    for (const thread of asked) this.#look(thread, handler);
  }

  #look(thread: Thread, handler: (hit: Hit) => void): void {
    const tracer = this.#tracer;
    tracer.await(thread);
    const hasStopped = thread.state === "stopped" && thread.status === INTERRUPTED;
    if (!hasStopped || thread.detaching || thread.process.fresh || !tracer.withdraw(thread)) return;
    try {
      if (tracer.stop.loadRegisters(thread)) this.#show(thread, handler);
    } finally {
      tracer.resume(thread, 0);
    }
  }

  #show(thread: Thread, handler: (hit: Hit) => void): void {
    const { image } = thread.process;
    const point = image.slots.resumePoint(this.#tracer.stop.getPc(image));
    if (point !== undefined) image.slots.applyResumePoint(point, this.#tracer.stop.registers);
    let probe = this.#probes.get(image);
    if (probe === undefined) this.#probes.set(image, probe = new SampleProbe(thread.process));
    this.#sample.begin(thread, probe);
    handler(this.#sample);
  }
}

/** A thread that is looked at. One object serves all samples. */
class Sample implements Hit {
  readonly #tracer: Tracer;
  readonly #word = new Uint32Array(2);
  readonly #walker: StackWalker;
  readonly argumentCount: number = 2;
  #thread!: Thread;
  probe!: SampleProbe;
  timestampNs: number = 0;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
    this.#walker = new StackWalker(tracer.kernel);
  }

  begin(thread: Thread, probe: SampleProbe): void {
    this.#thread = thread;
    this.probe = probe;
    this.timestampNs = this.#tracer.kernel.call.ft_clock_ns();
  }

  get pid(): number {
    return this.#thread.process.pid;
  }

  get tid(): number {
    return this.#thread.tid;
  }

  get cpu(): number {
    return readCpu(this.#tracer.kernel, this.pid, this.tid);
  }

  get pc(): number {
    return this.#tracer.stop.getPc(this.#image);
  }

  get returnValue(): number {
    return 0;
  }

  arg(index: number): number {
    this.readArg(index, this.#word);
    return signed(this.#word[0]!, this.#word[1]!);
  }

  argBigInt(index: number): bigint {
    this.readArg(index, this.#word);
    return (BigInt(this.#word[1]! | 0) << 32n) | BigInt(this.#word[0]!);
  }

  /** As in the provider `profile`: 0 is where the kernel is, which is not known, 1 where the program is. */
  readArg(index: number, into: Uint32Array): void {
    checkIndex(index);
    into.fill(0);
    if (index === 1) this.readRegister(this.#image.isa.registers.pc / 2, into);
  }

  /** Nothing is captured of a sample. */
  string(): undefined {}

  bytes(): undefined {}

  readRegister(index: number, into: Uint32Array): boolean {
    const exists = Number.isInteger(index) && index >= 0 && 8 * index < this.#image.isa.registersBytes;
    const { registers } = this.#tracer.stop;
    into[0] = exists ? registers[2 * index]! : 0;
    into[1] = exists ? registers[2 * index + 1]! : 0;
    return exists;
  }

  readBytes(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, this.#image.memory.read(address, bytes));
  }

  readInto(address: number, into: Uint8Array): number {
    return this.#image.memory.read(address, into);
  }

  stack(limit: number = STACK_FRAMES): number[] {
    const frames = new Float64Array(limit);
    return [...frames.subarray(0, this.readStack(frames))];
  }

  readStack(into: Float64Array): number {
    const { process } = this.#thread;
    return this.#walker.walk({ process, registers: this.#tracer.stop.registers, pc: this.pc, entered: false }, into);
  }

  readString(address: number, limitBytes: number = STRING_BYTES): string | undefined {
    const bytes = this.#image.memory.readCString(address, limitBytes);
    return bytes && decoder.decode(bytes);
  }

  writeBytes(address: number, bytes: Uint8Array): void {
    if (!this.#image.memory.write(address, bytes)) {
      throw new SystemError("EFAULT", "write", `${bytes.length} bytes at 0x${address.toString(16)}`);
    }
  }

  setArg(): void {
    throw new RangeError("Cannot set an argument: the thread is at no probe");
  }

  setReturnValue(): void {
    throw new RangeError("Cannot set the return value: the thread is at no probe");
  }

  get #image() {
    return this.#thread.process.image;
  }
}
