/**
 * The path of a hit: from a thread at a trap to the thread on its way.
 *
 * *Problem.* A thread has executed a trap of ours. The probes of the place fire, the instruction that the trap hides takes
 * effect, and the thread goes on as if nothing had been there, while handlers may do anything to the tables meanwhile.
 *
 * *Method.* The tracepoint is found by the owner of the memory and the pc. What jumps have recorded until then is told to its
 * consumers. The probes of its first list fire; the
 * instruction is performed (emulated, or by way of its slot, or stepped in place); those probes of its second list fire
 * for which control has left the function (rule 124). Where the program asks whether static probes are enabled, the
 * answer takes the place of the instruction.
 *
 * *oneshot.* A probe of that provider is spent before its handlers are called, and its tracepoints go when the lists have
 * been walked: traps out of the text, tracepoints out of the table. No other thread is stopped for that. One that has
 * executed the trap already finds the original instruction in its place and is set back to it; what it would have used of
 * the slot stays until the barrier has passed.
 *
 * *A handler that throws* must not leave a thread between trap and instruction: its error is kept, the hit goes on, and
 * {@linkcode Dispatcher.takeError} gives the first error to whoever runs the session.
 *
 * *Invariants.* Nothing on this path allocates, waits or throws, but for what handlers do and for oneshot's last act. The
 * lists that are walked are those that were found: whoever is enabled or disabled meanwhile counts from the next hit on
 * (rule 132).
 *
 * @module
 */

import type { Address } from "../address.ts";
import type { Image, Thread } from "../process/process.ts";
import { stepOver } from "../process/step_over.ts";
import type { TrapOutcome } from "../process/stop_listener.ts";
import type { Tracer } from "../process/tracer.ts";
import type { Barrier } from "./barrier.ts";
import { HitView } from "./hit.ts";
import type { Jumps } from "./jumps.ts";
import type { Probe } from "./probe.ts";
import type { Records } from "./records.ts";
import type { Tracepoint, TracepointTable } from "./tracepoint.ts";

/** What the path of a hit needs of the provider. */
export interface DispatchTables {
  readonly tracer: Tracer;
  readonly tracepoints: TracepointTable;
  readonly barrier: Barrier;
  readonly jumps: Jumps;
  readonly records: Records;
}

/** See the module's comment. */
export class Dispatcher {
  readonly #tables: DispatchTables;
  readonly #hit: HitView;
  readonly #errors: unknown[] = [];
  /** oneshot probes that have fired at the present hit. */
  readonly #spent: Probe[] = [];

  /**
   * Makes the path through tables.
   *
   * @param tables The tables.
   */
  constructor(tables: DispatchTables) {
    this.#tables = tables;
    this.#hit = new HitView(tables.tracer);
  }

  /** See {@linkcode StopListener.trapped}. */
  trapped(thread: Thread, pc: Address): TrapOutcome {
    const { image } = thread.process;
    const { tracer, tracepoints, barrier, records } = this.#tables;
    const tracepoint = tracepoints.find(image.pid, pc, image.isa.unitBytes);
    if (tracepoint === undefined || tracepoint.image !== image) return this.#enterPad(thread, pc);
    barrier.seen(thread);
    records.complete(image);
    const { before, after, asked } = tracepoint;
    this.#hit.begin(thread, tracepoint);
    for (let i = 0; i < before.length; i++) this.#fire(thread, before[i]!);
    if (this.#spent.length > 0) this.#retireSpent();
    // A handler may have let the process go, with this thread in front of the instruction.
    if (thread.state !== "stopped") return "resumed";
    if (asked.length > 0) answer(tracer, tracepoint);
    else if (
      !tracepoint.emulated || tracepoint.isStepped || (tracepoint.inSlot && after.length === 0) ||
      !image.isa.emulate(tracepoint.instruction, tracer.stop.registers, image.memory)
    ) {
      return this.#sendOn(thread, tracepoint, after);
    }
    if (after.length > 0) this.#fireAfter(thread, after, tracepoint);
    return "performed";
  }

  /**
   * Takes the first error that a handler has thrown since the last call.
   *
   * @returns The error in an array; undefined if none was thrown.
   */
  takeError(): [unknown] | undefined {
    const [first] = this.#errors.splice(0);
    return first === undefined ? undefined : [first];
  }

  /** Sends a thread on that has met a trap inside of a jump: to the displaced copy of the instruction that was there. */
  #enterPad(thread: Thread, pc: Address): TrapOutcome {
    const { image } = thread.process;
    const copy = image.pads.copyAt(pc);
    if (copy === undefined) return "unknown";
    this.#tables.barrier.seen(thread);
    this.#tables.tracer.stop.setPc(image, copy);
    return "performed";
  }

  /** Has a thread execute an instruction that cannot be performed on its registers, or only for more. */
  #sendOn(thread: Thread, tracepoint: Tracepoint, after: readonly Probe[]): TrapOutcome {
    const { tracer } = this.#tables;
    const { image, pc } = tracepoint;
    const live = this.#live(tracepoint);
    // A handler, or the only shot, may have taken the trap out: then the original is back in its place.
    if (live === undefined) {
      tracer.stop.setPc(image, pc);
      return "performed";
    }
    const { instruction } = live;
    const copy = this.#copyOf(live, after.length > 0);
    if (copy !== undefined) {
      tracer.stop.setPc(image, copy);
      return "performed";
    }
    // So is an instruction that cannot be emulated now: its operand faults, or the program steps itself.
    stepOver(
      tracer,
      thread,
      instruction,
      after.length > 0 ? () => this.#fireAfter(thread, after, tracepoint) : undefined,
    );
    return "resumed";
  }

  /** What there is of a tracepoint after handlers: another one, if its probes were disabled and enabled again. */
  #live({ image, pc }: Tracepoint): Tracepoint | undefined {
    if (!image.text.has(pc)) return undefined;
    const live = this.#tables.tracepoints.find(image.pid, pc, image.isa.unitBytes);
    return live?.image === image ? live : undefined;
  }

  /**
   * The displaced copy of an instruction, in its slot or its pad; undefined if the thread has to step over it. A program that
   * steps itself would see the pad: it gets a trap in the place of the jump, which stepping over the instruction writes.
   */
  #copyOf(tracepoint: Tracepoint, firesAfter: boolean): Address | undefined {
    const { image, pad, slot, emulated, inSlot } = tracepoint;
    const { tracer, jumps } = this.#tables;
    const stepsItself = image.isa.registers.stepsItself(tracer.stop.registers);
    if (pad === undefined) return inSlot && (!emulated || !(firesAfter || stepsItself)) ? slot?.address : undefined;
    if (!stepsItself) return pad.siteCopy;
    const { together } = tracepoint;
    jumps.release(tracepoint);
    for (const each of together) each.trapReason = "the program steps itself there";
    return undefined;
  }

  /** Fires the probes of the second list, unless control has stayed in the function. */
  #fireAfter(thread: Thread, after: readonly Probe[], { instruction, image }: Tracepoint): void {
    const pc = this.#tables.tracer.stop.getPc(image);
    for (let i = 0; i < after.length; i++) {
      const { functionAddress, functionBytes } = after[i]!;
      const inside = pc >= functionAddress && pc < functionAddress + functionBytes;
      if (instruction.flow === "return" || !inside) this.#fire(thread, after[i]!);
    }
    if (this.#spent.length > 0) this.#retireSpent();
  }

  /** Fires a probe, unless a handler has let the thread go, or it had its only shot. */
  #fire(thread: Thread, probe: Probe): void {
    if (thread.state !== "stopped") return;
    if (probe.oneshot) {
      if (probe.spent) return;
      probe.spent = true;
      this.#spent.push(probe);
    }
    const { enablings } = probe;
    probe.hitsTotal++;
    this.#hit.bind(probe);
    for (let i = 0; i < enablings.length && thread.state === "stopped"; i++) {
      this.#hit.captures = enablings[i]!.captures;
      try {
        enablings[i]!.fire(this.#hit);
      } catch (error) {
        if (this.#errors.length === 0) this.#errors.push(error ?? new TypeError("A handler threw nothing"));
      }
    }
    this.#hit.bind(undefined);
  }

  /** Takes the tracepoints of spent probes out of text and table, unless somebody else uses them (rule 101). */
  #retireSpent(): void {
    for (const probe of this.#spent.splice(0)) {
      const { image } = probe.owner.process;
      // A handler may have enabled it for another consumer, who has a shot of its own.
      if (!image.alive || !probe.spent) continue;
      for (const pc of probe.addresses) this.#retire(image, pc, probe);
    }
  }

  #retire(image: Image, pc: Address, probe: Probe): void {
    const { tracepoints, barrier } = this.#tables;
    const tracepoint = tracepoints.find(image.pid, pc, image.isa.unitBytes);
    if (tracepoint === undefined || tracepoint.image !== image) return;
    tracepoint.unlink(probe);
    if (!tracepoint.unused || !image.text.removeRunning(pc)) return;
    tracepoints.delete(tracepoint);
    if (tracepoint.slot !== undefined) barrier.retire(image, [tracepoint.slot]);
  }
}

/** Puts the answer that a probe is enabled in place of the instruction (rule 134). */
function answer(tracer: Tracer, { image, instruction }: Tracepoint): void {
  const { result } = image.isa.registers;
  tracer.stop.registers[result] = 1;
  tracer.stop.registers[result + 1] = 0;
  tracer.stop.setPc(image, (instruction.address + instruction.length) as Address);
}
