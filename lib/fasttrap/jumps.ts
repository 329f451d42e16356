/**
 * Tracepoints that are jumps: hits that are counted where they happen, and cost nanoseconds instead of a stop.
 *
 * *Problem.* Most consumers who count want nothing but the number. A trap stops the thread for that, a thousand times as
 * long as counting takes.
 *
 * *Method.* A tracepoint all of whose consumers only count becomes a jump to a pad if that is provably the same for the
 * program; {@linkcode Tracepoint.trapReason} says why not. What the pads have counted is *harvested*: whenever somebody asks, and
 * before anything changes of who is interested, so that each hit is counted for those who were enabled when it happened.
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
import { makeCountingPad } from "../process/pad_memory.ts";
import type { Image } from "../process/process.ts";
import type { Tracer } from "../process/tracer.ts";
import type { Barrier } from "./barrier.ts";
import type { Probe } from "./probe.ts";
import type { Tracepoint, TracepointTable } from "./tracepoint.ts";

/** A function that is larger is not searched for branches into a jump, in bytes. */
const FUNCTION_LIMIT_BYTES = 1 << 20;

/** What finding out whether there can be a jump needs. */
export interface WindowContext {
  readonly tracepoints: TracepointTable;
  /** Reads the original bytes at an address, as many as are asked for and can be read. */
  readonly code: (pc: Address, size: number) => Uint8Array;
  /** The targets of direct branches by the address of their function, found once in a batch. */
  readonly targets: Map<Address, ReadonlySet<number>>;
}

/** What making its pad needs as well. */
export interface JumpContext extends WindowContext {
  readonly tracer: Tracer;
}

/** See the module's comment. */
export class Jumps {
  readonly #barrier: Barrier;
  readonly #byImage = new Map<Image, Set<Tracepoint>>();

  /**
   * Makes the record of no jumps.
   *
   * @param barrier When pads may be used again.
   */
  constructor(barrier: Barrier) {
    this.#barrier = barrier;
  }

  /**
   * Makes the pad of a new tracepoint, if it can be a jump; it still has to be written. All threads of its image are stopped, and it and all others of
   * the batch are in the table.
   *
   * @param context What is needed.
   * @param tracepoint The tracepoint, whose lists are complete. If it has no pad afterwards, it says why it is a trap.
   */
  plan(context: JumpContext, tracepoint: Tracepoint): void {
    const { image } = tracepoint;
    const window = tryWindow(context, tracepoint);
    const pad = typeof window === "string" ? window : makeCountingPad(context.tracer, image, window);
    if (typeof pad === "string") {
      tracepoint.trapReason = pad;
      return;
    }
    tracepoint.pad = pad;
    tracepoint.trapReason = undefined;
    tracepoint.countedTotal = image.pads.area!.read(pad.action.counterOffset);
  }

  /**
   * Foretells whether a tracepoint that is nowhere yet can be a jump.
   *
   * @param context What is needed.
   * @param tracepoint The tracepoint, whose lists are complete.
   * @returns Why it would be a trap, as the end of a sentence; undefined if it would be a jump, provided that memory for
   *   its pad can be had.
   */
  foretell(context: WindowContext, tracepoint: Tracepoint): string | undefined {
    const window = tryWindow(context, tracepoint);
    return typeof window === "string" ? window : undefined;
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
    if (this.#byImage.size === 0) return;
    const images = new Set<Image>();
    for (const { owner } of probes) images.add(owner.process.image);
    for (const image of images) for (const tracepoint of this.#byImage.get(image) ?? []) harvest(tracepoint);
  }

  /**
   * Harvests for the last time in a program that is gone.
   *
   * @param image Its memory.
   */
  forget(image: Image): void {
    for (const tracepoint of this.#byImage.get(image) ?? []) harvest(tracepoint);
    this.#byImage.delete(image);
    image.pads.area?.[Symbol.dispose]();
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
  for (const probe of [...before, ...after]) {
    probe.hitsTotal += hits;
    for (const enabling of probe.enablings) enabling.counted?.(probe, hits);
  }
}

/** Why the hits of a tracepoint have to stop the thread; undefined if counting is all that is wanted. */
function whyStop({ asked, before, after, instruction }: Tracepoint): string | undefined {
  const probes = [...before, ...after];
  if (asked.length > 0) return "the program asks there whether a probe is enabled";
  if (probes.some(({ oneshot }) => oneshot)) return "it fires only once";
  if (probes.some(({ enablings }) => enablings.some(({ counted }) => counted === undefined))) {
    return "a handler wants to see the thread";
  }
  if (probes.some(({ functionBytes }) => functionBytes === 0)) return "its function is not known";
  const leaves = ({ functionAddress, functionBytes }: Probe) =>
    instruction.flow === "return" ||
    (instruction.flow === "jump" && instruction.target !== undefined &&
      (instruction.target < functionAddress || instruction.target >= functionAddress + functionBytes));
  if (!after.every(leaves)) return "its instruction need not leave the function";
  return undefined;
}

/** The instructions that a jump would take the place of if there is nothing against one; a string says what is. */
function tryWindow(context: WindowContext, tracepoint: Tracepoint): JumpWindow | string {
  return whyStop(tracepoint) ?? tracepoint.image.pads.refused ?? findWindow(context, tracepoint);
}

/** The instructions that the jump would take the place of; a string says why it cannot. */
function findWindow(context: WindowContext, { image, pc, before, after }: Tracepoint): JumpWindow | string {
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
  { code, targets: known }: WindowContext,
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
