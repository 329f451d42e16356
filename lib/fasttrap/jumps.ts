/**
 * Tracepoints that are jumps: hits that are counted or recorded where they happen, and cost nanoseconds instead of a stop.
 *
 * *Problem.* Most consumers want to know that a function was called, and with what. A trap stops the thread for that, a
 * thousand times as long as taking it down takes.
 *
 * *Method.* A tracepoint becomes a jump to a pad if that is provably the same for the program; {@linkcode Jumps.plan} says why
 * not. If all its consumers only count, the pad does; else it writes records, and the tracer counts them. What the pads have
 * counted is *harvested*, and what they have recorded *drained* (`records.ts`): whenever somebody asks, and before anything
 * changes of who is interested, so that each hit is of those who were enabled when it happened.
 *
 * *Why not.* Beside what the instructions forbid (`isa/x86_64/window.ts`): a consumer needs the thread; a probe fires only
 * once, or after an instruction that need not leave the function; another probe is inside of the jump; a branch of the
 * function leads into it, so that each of its landings would be a stop.
 *
 * *Invariants.*
 * - No tracepoint is inside of a jump, or of what a jump takes the place of and overwrites. When one comes there, the jump
 *   gives way to a trap.
 * - A pad is retired when its jump is out of the text, and freed by the barrier, as slots are.
 *
 * @module
 */

import type { Address } from "../address.ts";
import type { JumpWindow } from "../isa/isa.ts";
import { makeWantedPad, type PadWish } from "../process/pad_memory.ts";
import type { Image } from "../process/process.ts";
import type { Tracer } from "../process/tracer.ts";
import type { Barrier } from "./barrier.ts";
import type { Enabling, Probe } from "./probe.ts";
import type { Records } from "./records.ts";
import type { Tracepoint, TracepointTable } from "./tracepoint.ts";

/** A function that is larger is not searched for branches into a jump, in bytes. */
const FUNCTION_LIMIT_BYTES = 1 << 20;

/** What planning a jump needs. */
export interface JumpContext {
  readonly tracer: Tracer;
  readonly tracepoints: TracepointTable;
  /** Reads the original bytes at an address, as many as are asked for and can be read. */
  readonly code: (pc: Address, size: number) => Uint8Array;
  /** The targets of direct branches by the address of their function, found once in a batch. */
  readonly targets: Map<Address, ReadonlySet<number>>;
}

/** See the module's comment. */
export class Jumps {
  readonly #barrier: Barrier;
  readonly #records: Records;
  readonly #allowed: boolean;
  readonly #byImage = new Map<Image, Set<Tracepoint>>();

  /**
   * Makes the list of no jumps.
   *
   * @param barrier When pads may be used again.
   * @param records Who reads the records of pads.
   * @param allowed Whether there may be any.
   */
  constructor(barrier: Barrier, records: Records, allowed: boolean) {
    this.#barrier = barrier;
    this.#records = records;
    this.#allowed = allowed;
  }

  /**
   * Makes the pad of a tracepoint, if it can be a jump; it still has to be written. All threads of its image are stopped, and it
   * and all others of the batch are in the table.
   *
   * @param context What is needed.
   * @param tracepoint The tracepoint, whose lists are complete.
   * @returns Why it is to be a trap, as the end of a sentence; undefined if it has a pad now.
   */
  plan(context: JumpContext, tracepoint: Tracepoint): string | undefined {
    const { image } = tracepoint;
    if (!this.#allowed) return "jumps are switched off";
    const reason = whyStop(tracepoint) ?? image.pads.refused;
    if (reason !== undefined) return reason;
    const window = findWindow(context, tracepoint);
    if (typeof window === "string") return window;
    const pad = makeWantedPad(context.tracer, image, window, wishOf(tracepoint));
    if (typeof pad === "string") return pad;
    tracepoint.pad = pad;
    tracepoint.countedTotal = image.pads.area!.read(pad.action.counterOffset);
    if (pad.action.kind === "record") this.#records.add(tracepoint, pad.action.site);
    return undefined;
  }

  /**
   * Tells whether the pad of a tracepoint does what is wanted now.
   *
   * @param tracepoint The tracepoint, which has a pad.
   * @returns Whether it does; a pad that writes records does so also for who only counts.
   */
  suits(tracepoint: Tracepoint): boolean {
    const action = tracepoint.pad?.action;
    const wish = wishOf(tracepoint);
    if (action === undefined || whyStop(tracepoint) !== undefined) return false;
    return wish.kind === "count" || (action.kind === "record" && action.values === wish.values);
  }

  /**
   * Notes that the jump of a tracepoint is in the text.
   *
   * @param tracepoint The tracepoint.
   */
  arm(tracepoint: Tracepoint): void {
    const { image, pad } = tracepoint;
    if (pad === undefined) return;
    image.pads.arm(pad);
    const jumps = this.#byImage.get(image) ?? new Set();
    this.#byImage.set(image, jumps.add(tracepoint));
  }

  /**
   * Takes the pad of a tracepoint away, whose jump is or is about to be out of the text.
   *
   * @param tracepoint The tracepoint.
   */
  release(tracepoint: Tracepoint): void {
    const { image, pad } = tracepoint;
    if (pad === undefined) return;
    harvest(tracepoint);
    tracepoint.pad = undefined;
    this.#byImage.get(image)?.delete(tracepoint);
    image.pads.disarm(pad);
    this.#barrier.retire(image, [pad]);
  }

  /**
   * Gives the hits that have been counted since the last harvest to whoever counts.
   *
   * @param probes The probes whose programs are meant.
   */
  harvestAll(probes: Iterable<Probe>): void {
    for (const image of this.#imagesOf(probes)) {
      for (const tracepoint of this.#byImage.get(image) ?? []) harvest(tracepoint);
    }
  }

  /**
   * Gives everything that pads have recorded and counted to whoever wants it, before that changes.
   *
   * @param probes The probes whose programs are meant.
   */
  settleAll(probes: Iterable<Probe>): void {
    for (const image of this.#imagesOf(probes)) this.#records.drain(image);
    this.harvestAll(probes);
  }

  #imagesOf(probes: Iterable<Probe>): Set<Image> {
    const images = new Set<Image>();
    if (this.#byImage.size > 0) { for (const { owner } of probes) images.add(owner.process.image); }
    return images;
  }

  /**
   * Harvests for the last time in a program that is gone.
   *
   * @param image Its memory.
   */
  forget(image: Image): void {
    this.#records.forget(image, () => {
      for (const tracepoint of this.#byImage.get(image) ?? []) harvest(tracepoint);
      this.#byImage.delete(image);
      image.pads.area?.[Symbol.dispose]();
    });
  }
}

/** Gives the hits of a tracepoint to the consumers of its probes. */
function harvest(tracepoint: Tracepoint): void {
  const { pad, image, before, after } = tracepoint;
  if (pad === undefined) return;
  const counted = image.pads.area?.read(pad.action.counterOffset) ?? 0;
  const hits = counted - tracepoint.countedTotal;
  // The program can write what it wants there.
  if (!(hits > 0)) return;
  tracepoint.countedTotal = counted;
  const isDropped = pad.action.kind === "record";
  for (const probe of [...before, ...after]) {
    probe.hitsTotal += hits;
    for (const enabling of probe.enablings) {
      if (enabling.counted !== undefined) enabling.counted(probe, hits);
      else if (isDropped) enabling.dropped?.(probe, hits);
    }
  }
}

/** What a pad has to do for the consumers of a tracepoint. */
function wishOf({ before, after }: Tracepoint): PadWish {
  const counts = [...before, ...after].every(({ enablings }) =>
    enablings.every(({ counted }) => counted !== undefined)
  );
  return counts ? { kind: "count" } : { kind: "record", values: after.length > 0 ? "results" : "arguments" };
}

/** Why the hits of a tracepoint have to stop the thread; undefined if counting or recording is all that is wanted. */
function whyStop(tracepoint: Tracepoint): string | undefined {
  const { asked, before, after, instruction } = tracepoint;
  const wish = wishOf(tracepoint);
  const probes = [...before, ...after];
  if (asked.length > 0) return "the program asks there whether a probe is enabled";
  if (probes.some(({ oneshot }) => oneshot)) return "it fires only once";
  if (probes.some(({ enablings }) => enablings.some(needsThread))) return "a handler wants to see the thread";
  if (before.length > 0 && after.length > 0 && wish.kind === "record") {
    return "it is the first and the last instruction of its function";
  }
  if (probes.some(({ functionBytes }) => functionBytes === 0)) return "its function is not known";
  const leaves = ({ functionAddress, functionBytes }: Probe) =>
    instruction.flow === "return" ||
    (instruction.flow === "jump" && instruction.target !== undefined &&
      (instruction.target < functionAddress || instruction.target >= functionAddress + functionBytes));
  if (!after.every(leaves)) return "its instruction need not leave the function";
  return undefined;
}

/** Whether a consumer can be served only while the thread is stopped. */
function needsThread({ counted, recorded }: Enabling): boolean {
  return counted === undefined && recorded === undefined;
}

/** The instructions that the jump would take the place of; a string says why it cannot. */
function findWindow(context: JumpContext, { image, pc, before, after }: Tracepoint): JumpWindow | string {
  const { jumps, longestBytes, unitBytes } = image.isa;
  if (jumps === undefined) return "there are no jumps on this machine";
  const probes = [...before, ...after];
  const end = Math.min(...probes.map(({ functionAddress, functionBytes }) => functionAddress + functionBytes));
  const window = jumps.findWindow(context.code(pc, jumps.jumpBytes + longestBytes), 0, pc, end as Address);
  if (typeof window === "string") return window;
  for (let inner = pc + 1; inner < pc + jumps.jumpBytes; inner++) {
    if (context.tracepoints.find(image.pid, inner, unitBytes) !== undefined) {
      return "another probe is inside of the jump";
    }
  }
  const branches = probes.map((probe) => findTargets(context, image, probe));
  if (window.boundaries.some((offset) => branches.some((found) => found.has(pc + offset)))) {
    return "a branch leads into the jump";
  }
  return window;
}

/** Where the direct branches and jumps of a function lead. */
function findTargets(
  { code, targets: known }: JumpContext,
  { isa }: Image,
  { functionAddress, functionBytes }: Probe,
): ReadonlySet<number> {
  const found = known.get(functionAddress);
  if (found !== undefined) return found;
  const targets = new Set<number>();
  const bytes = code(functionAddress, Math.min(functionBytes, FUNCTION_LIMIT_BYTES));
  for (let offset = 0; offset < bytes.length;) {
    const instruction = isa.decode(bytes, offset, (functionAddress + offset) as Address);
    if (instruction?.target !== undefined && instruction.flow !== "call") targets.add(instruction.target);
    offset += instruction?.length ?? isa.unitBytes;
  }
  known.set(functionAddress, targets);
  return targets;
}
