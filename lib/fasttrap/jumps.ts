/**
 * Tracepoints that are jumps: hits that are counted or recorded where they happen, and cost nanoseconds instead of a stop.
 *
 * *Problem.* Most consumers want to know that a function was called, and with what. A trap stops the thread for that, a
 * thousand times as long as taking it down takes.
 *
 * *Method.* A tracepoint becomes a jump to a pad if that is provably the same for the program;
 * {@linkcode Tracepoint.trapReason} says why not. What the pad does follows from what the consumers want (`pad_wish.ts`). What pads
 * have counted is *harvested*, and what they have recorded *drained* (`records.ts`): whenever somebody asks, and before anything
 * changes of who is interested, so that each hit is of those who were enabled when it happened.
 *
 * *Why not.* Beside what the instructions forbid (`isa/x86_64/window.ts`): a consumer needs the thread; a probe fires only
 * once; what one counts depends on whether the instruction leaves the function, and what another counts does not; another
 * probe is inside of the jump; the arguments of a static probe cannot be recorded (`recorded_values.ts`).
 *
 * *Where functions end* is known of probes of functions. A site of a static probe whose function is not known is taken for a
 * function of one instruction: what follows it is kept, unless it is padding.
 *
 * *Invariants.*
 * - No tracepoint is inside of a jump, or of what a jump takes the place of and overwrites. When one comes there, the jump
 *   gives way to a trap.
 * - A pad is retired when its jump is out of the text, and freed by the barrier, as slots are.
 *
 * @module
 */

import type { Address } from "../address.ts";
import type { Instruction } from "../isa/isa.ts";
import type { FunctionFlow, JumpInstaller, JumpWindow, PadAction } from "../isa/jumps.ts";
import { COUNTERS_FULL, makeWantedPad, type PadWish } from "../process/pad_memory.ts";
import type { Pad } from "../process/pads.ts";
import type { Image } from "../process/process.ts";
import type { Mapping } from "../process/proc_files.ts";
import type { Tracer } from "../process/tracer.ts";
import type { Barrier } from "./barrier.ts";
import { PadCounts } from "./pad_counts.ts";
import { CONSUMERS_REASONS, recordWishOf, satisfies, wishOf } from "./pad_wish.ts";
import type { FunctionRange, Probe } from "./probe.ts";
import type { Records } from "./records.ts";
import type { Tracepoint, TracepointTable } from "./tracepoint.ts";

/** A function that is larger is not searched for branches into a jump, in bytes. */
const FUNCTION_LIMIT_BYTES = 1 << 20;
/** Why a tracepoint is a trap as long as another one is inside of what its jump would take the place of. */
export const PROBE_INSIDE = "another probe is inside of the jump";
/** What can be over when probes are disabled. */
const TEMPORARY: ReadonlySet<string | undefined> = new Set([...CONSUMERS_REASONS, PROBE_INSIDE]);
/** How many functions are remembered at once. */
const FLOWS_LIMIT = 64;
/** Why what cannot be told of an instruction needs a trap. */
const STAYS = "its instruction need not leave the function";

/** What finding out whether there can be a jump needs. */
export interface WindowContext {
  readonly tracepoints: TracepointTable;
  /** Reads the original bytes at an address, as many as are asked for and can be read. */
  readonly code: (pc: Address, size: number) => Uint8Array;
  /** How control flows in functions, by their addresses, found out once in a batch. */
  readonly flows: Map<Address, FunctionFlow>;
}

/** What making its pad needs as well. */
export interface JumpContext extends WindowContext {
  readonly tracer: Tracer;
  /** The mappings of the process, ascending, to which those are added that are made for pads. */
  readonly mappings: Mapping[];
}

/** What a jump can take the place of, and what its pad counts. */
interface Plan {
  /** The windows, best first. */
  readonly windows: Iterable<JumpWindow>;
  readonly wish: PadWish;
}

/** See the module's comment. */
export class Jumps {
  readonly #barrier: Barrier;
  readonly #records: Records;
  readonly #allowed: boolean;
  readonly #counts = new PadCounts();

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
   * @param tracepoint The tracepoint, whose lists are complete. If it has no pad afterwards, it says why it is a trap.
   */
  plan(context: JumpContext, tracepoint: Tracepoint): void {
    const plan = this.#allowed ? tryPlan(context, tracepoint) : "jumps are switched off";
    const pad = typeof plan === "string" ? plan : makePad(context, tracepoint, plan);
    if (typeof pad === "string") {
      tracepoint.trapReason = pad;
      return;
    }
    tracepoint.pad = pad;
    tracepoint.trapReason = undefined;
    this.#counts.add(tracepoint, pad.action);
    const { action } = pad;
    if (action.kind === "record") this.#records.add(tracepoint, action);
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
    const plan = this.#allowed ? tryPlan(context, tracepoint) : "jumps are switched off";
    return typeof plan === "string" ? plan : undefined;
  }

  /**
   * Tells whether a tracepoint is what it should be by now.
   *
   * @param tracepoint The tracepoint.
   * @returns Whether its pad does what is wanted, and one that writes records does so also for who only counts; if it has
   *   none, whether what has made it a trap lasts.
   */
  suits(tracepoint: Tracepoint): boolean {
    const { pad, trapReason } = tracepoint;
    const wish = wishOf(tracepoint);
    const mustStop = typeof wish === "string";
    if (pad === undefined) return mustStop || !this.#allowed || !TEMPORARY.has(trapReason);
    if (mustStop) return false;
    if (pad.action.kind !== "tally") return satisfies(pad.action, wish);
    return wish.kind === "tally" && this.#counts.serves(tracepoint, pad.action);
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
  }

  /**
   * Takes the pad of a tracepoint away, whose jump is or is about to be out of the text.
   *
   * @param tracepoint The tracepoint.
   */
  release(tracepoint: Tracepoint): void {
    const { image, pad } = tracepoint;
    if (pad === undefined) return;
    tracepoint.pad = undefined;
    image.pads.disarm(pad);
    this.#barrier.retire(image, [pad]);
  }

  /**
   * Gives the hits that have been counted since the last harvest to whoever counts.
   *
   * @param probes The probes whose programs are meant.
   */
  harvestAll(probes: Iterable<Probe>): void {
    for (const image of this.#imagesOf(probes)) this.#counts.harvest(image);
  }

  /**
   * Gives everything that pads have recorded and counted to whoever wants it, before that changes.
   *
   * @param probes The probes whose programs are meant.
   */
  settleAll(probes: Iterable<Probe>): void {
    for (const image of this.#imagesOf(probes)) this.#records.complete(image);
    this.harvestAll(probes);
  }

  #imagesOf(probes: Iterable<Probe>): Set<Image> {
    const images = new Set<Image>();
    if (!this.#counts.isEmpty) { for (const { owner } of probes) images.add(owner.process.image); }
    return images;
  }

  /**
   * Harvests for the last time in a program that is gone.
   *
   * @param image Its memory.
   */
  forget(image: Image): void {
    this.#records.forget(image, () => {
      this.#counts.harvest(image);
      this.#counts.delete(image);
      // Whoever keeps counts of its probes keeps the image, which is to be small.
      image.pads.forget();
      image.text.forget([...image.text.addresses()]);
    });
  }
}

/** Makes the pad of a tracepoint. Those that tally need many counters: when there are no more, they record. */
function makePad({ tracer, mappings }: JumpContext, tracepoint: Tracepoint, { windows, wish }: Plan): Pad | string {
  const { image, instruction } = tracepoint;
  const pad = makeWantedPad(tracer, image, mappings, instruction, windows, wish);
  if (wish.kind !== "tally" || pad !== COUNTERS_FULL) return pad;
  const other = recordWishOf(tracepoint);
  if (typeof other === "string") return other;
  return makeWantedPad(tracer, image, mappings, instruction, windows, { ...other, leaving: wish.leaving });
}

/** How a tracepoint can be a jump; a string says why it cannot. */
function tryPlan(context: WindowContext, tracepoint: Tracepoint): Plan | string {
  const { image } = tracepoint;
  const wish = wishOf(tracepoint);
  if (typeof wish === "string") return wish;
  if (image.pads.refused !== undefined) return image.pads.refused;
  const leaving = findLeaving(tracepoint);
  if (typeof leaving === "string") return leaving;
  const window = findWindow(context, tracepoint);
  if (typeof window === "string") return window;
  if (leaving !== undefined && !image.isa.jumps!.canTellLeaving(window)) return STAYS;
  return { windows: listWindows(context, tracepoint, window), wish: { ...wish, leaving } };
}

/** The function that an instruction has to leave to be counted; undefined if it always counts. A string says why not. */
function findLeaving({ before, after, instruction: { flow, target } }: Tracepoint): PadAction["leaving"] | string {
  const [first] = after;
  if (first === undefined || flow === "return") return undefined;
  const { functionAddress: address, functionBytes: sizeBytes } = first;
  const isOutside = ({ functionAddress, functionBytes }: Probe) =>
    target !== undefined && (target < functionAddress || target >= functionAddress + functionBytes);
  if (flow === "jump" && after.every(isOutside)) return undefined;
  const isSame = ({ functionAddress, functionBytes }: Probe) =>
    functionAddress === address && functionBytes === sizeBytes;
  const canTell = flow === "branch" ? after.every(isOutside) : flow === "indirect-jump" && after.every(isSame);
  return canTell && before.length === 0 ? { address, sizeBytes } : STAYS;
}

/** The instructions that the jump would take the place of; a string says why it cannot. */
function findWindow(
  context: WindowContext,
  { image, pc, before, after, instruction }: Tracepoint,
): JumpWindow | string {
  const { jumps, longestBytes } = image.isa;
  if (jumps === undefined) return "there are no jumps on this machine";
  if (isTaken(context.tracepoints, image, pc, pc)) return PROBE_INSIDE;
  const functions = [...before, ...after].map((probe) => functionOf(probe, instruction));
  const end = Math.min(...functions.map(({ address, sizeBytes }) => address + sizeBytes));
  const code = context.code(pc, jumps.jumpBytes + longestBytes);
  return jumps.findWindow(
    code,
    0,
    pc,
    end as Address,
    (address) => functions.some((range) => flowOf(context, jumps, range).leadsTo(address)),
  );
}

/**
 * The windows that a jump can have: that which begins at the site, earlier ones, and those that keep more bytes. First those
 * that keep none, whose pads can lie close to each other.
 */
function* listWindows(context: WindowContext, tracepoint: Tracepoint, window: JumpWindow): Generator<JumpWindow> {
  const { image } = tracepoint;
  const jumps = image.isa.jumps!;
  const isFree = ({ address }: JumpWindow) => !isTaken(context.tracepoints, image, tracepoint.pc, address);
  if (window.keptFrom === jumps.jumpBytes) yield window;
  const others = [window, ...listEarlier(context, jumps, tracepoint, window).filter(isFree)];
  const all = others.flatMap((other) => {
    const shrunk: JumpWindow[] = [];
    for (let next: JumpWindow | undefined = other; next !== undefined; next = jumps.shrink(next)) shrunk.push(next);
    return shrunk;
  });
  yield* all.sort((a, b) => b.keptFrom - a.keptFrom);
}

/** The windows that begin before the site of a tracepoint, those with the fewest instructions first. */
function listEarlier(
  context: WindowContext,
  jumps: JumpInstaller,
  { before, after, instruction, pc }: Tracepoint,
  window: JumpWindow,
): JumpWindow[] {
  const [first, ...others] = [...before, ...after].map((probe) => functionOf(probe, instruction));
  if (first === undefined || others.some(({ address }) => address !== first.address)) return [];
  const starts = flowOf(context, jumps, first).straightBefore(pc, jumps.earliestBytes);
  return starts.map((start, index) => {
    const code = context.code(pc + start as Address, -start);
    return jumps.beginEarlier(window, starts.slice(index), code);
  }).reverse();
}

/** Whether a jump for a site, that begins at an address, would overlap another tracepoint or its jump. */
function isTaken(tracepoints: TracepointTable, image: Image, site: number, start: number): boolean {
  const { isa: { jumps, unitBytes }, pid } = image;
  const end = Math.max(start + jumps!.jumpBytes, site + 1);
  for (let inner = start; inner < end; inner++) {
    if (inner !== site && tracepoints.find(pid, inner, unitBytes) !== undefined) return true;
  }
  return findJumpsOver(tracepoints, image, start, end).some(({ pc }) => pc !== site);
}

/**
 * Finds the tracepoints whose jumps overlap a range.
 *
 * @param tracepoints The table.
 * @param image The memory.
 * @param from The first address of the range.
 * @param to The address behind it.
 * @returns The tracepoints.
 */
export function findJumpsOver(tracepoints: TracepointTable, image: Image, from: number, to: number): Tracepoint[] {
  const { isa: { jumps, unitBytes }, pid } = image;
  const found: Tracepoint[] = [];
  if (jumps === undefined) return found;
  for (let site = from - jumps.jumpBytes + 1; site < to + jumps.earliestBytes; site++) {
    const other = tracepoints.find(pid, site, unitBytes);
    if (other?.pad === undefined) continue;
    const start = other.pad.window.address;
    if (start < to && Math.max(start + jumps.jumpBytes, site + 1) > from) found.push(other);
  }
  return found;
}

/** The function that an instruction belongs to by a probe; the instruction alone if that is not known. */
function functionOf(probe: Probe, { address, length }: Instruction): FunctionRange {
  return probe.functionAt(address) ?? { address, sizeBytes: length };
}

/** How control flows in a function. */
function flowOf(
  { code, flows }: WindowContext,
  jumps: JumpInstaller,
  { address, sizeBytes }: FunctionRange,
): FunctionFlow {
  let flow = flows.get(address);
  if (flow === undefined) {
    const bytes = code(address, Math.min(sizeBytes, FUNCTION_LIMIT_BYTES));
    flow = jumps.readFlow(bytes, address);
    // Sites come function by function: those before are hardly asked for again.
    if (flows.size >= FLOWS_LIMIT) flows.clear();
    flows.set(address, flow);
  }
  return flow;
}
