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
 * probe is inside of the jump that cannot share it; the arguments of a static probe cannot be recorded (`recorded_values.ts`).
 *
 * *Shared jumps.* Tracepoints inside of what a jump would take the place of, and that can be jumps themselves, share it, each
 * with a pad of its own (`isa/jumps.ts`). It is the first that finds the others, so tracepoints are planned by ascending address.
 * What changes for one of them changes for all: none is planned while another is in the text.
 *
 * *Where functions end* is known of probes of functions. A site of a static probe whose function is not known is taken for a
 * function of one instruction: what follows it is kept, unless it is padding.
 *
 * *Invariants.*
 * - No tracepoint is inside of a jump, or of what a jump takes the place of and overwrites, but those that share it. When one
 *   comes there, the jump is made anew with it, or gives way to a trap.
 * - A pad is retired when its jump is out of the text, and freed by the barrier, as slots are.
 *
 * @module
 */

import type { Address } from "../address.ts";
import type { Instruction } from "../isa/isa.ts";
import {
  type FunctionFlow,
  type InnerSite,
  innerWindow,
  type JumpInstaller,
  type JumpWindow,
  type PadAction,
} from "../isa/jumps.ts";
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
/** Why a tracepoint is a trap as long as another one is inside of what its jump would take the place of, and cannot share it. */
export const PROBE_INSIDE = "another probe is inside of the jump";
/** What can be over when probes are disabled. */
const TEMPORARY: ReadonlySet<string | undefined> = new Set([...CONSUMERS_REASONS, PROBE_INSIDE]);
/** How many functions are remembered at once. */
const FLOWS_LIMIT = 64;
/** Why a tracepoint is a trap whose instruction may become another one. */
const CHANGES = "the program may change the code there";
/** Why a tracepoint is a trap whose pad might find no stack. */
const STACK_ENDS = "its function does not look whether its stack ends";
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
  /** Those that share the jump, descending by address. */
  readonly inner: readonly InnerPlan[];
  /** Why there is no pad if none of the windows will do; undefined if that is found out by trying them. */
  readonly obstacle?: string;
}

/** How a tracepoint inside of a window shares the jump. */
interface InnerPlan {
  readonly tracepoint: Tracepoint;
  readonly windows: readonly JumpWindow[];
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
   * Makes the pad of a tracepoint, if it can be a jump, and of those that share the jump; they still have to be written. All
   * threads of its image are stopped. It and all others of the batch are in the table, and not in the text.
   *
   * @param context What is needed.
   * @param tracepoint The tracepoint, whose lists are complete; those before it have been planned. If it has no pad afterwards,
   *   it says why it is a trap.
   */
  plan(context: JumpContext, tracepoint: Tracepoint): void {
    if (tracepoint.pad !== undefined) return;
    const plan = this.#allowed ? tryPlan(context, tracepoint) : "jumps are switched off";
    const made = typeof plan === "string" ? plan : makePads(context, tracepoint, plan);
    if (typeof made === "string") {
      tracepoint.trapReason = made;
      return;
    }
    const sharers = made.length > 1 ? made.map(([sharer]) => sharer) : [];
    for (const [each, pad] of made) {
      each.pad = pad;
      each.sharers = sharers;
      each.trapReason = undefined;
      const { action } = pad;
      this.#counts.add(each, action);
      if (action.kind === "record") this.#records.add(each, action);
    }
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
   * @param tracepoint The tracepoint; each of those that share the jump.
   */
  arm(tracepoint: Tracepoint): void {
    const { image, pad } = tracepoint;
    if (pad === undefined) return;
    image.pads.arm(pad);
  }

  /**
   * Takes the pad of a tracepoint away, whose jump is or is about to be out of the text, and those of all that share the jump.
   *
   * @param tracepoint The tracepoint.
   */
  release(tracepoint: Tracepoint): void {
    for (const each of tracepoint.together) {
      const { image, pad } = each;
      each.sharers = [];
      if (pad === undefined) continue;
      each.pad = undefined;
      image.pads.disarm(pad);
      this.#barrier.retire(image, [pad]);
    }
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

/** Makes the pads of a tracepoint and of those that share its jump, by address; a string says why it is a trap. */
function makePads(
  context: JumpContext,
  tracepoint: Tracepoint,
  { windows, wish, inner, obstacle }: Plan,
): [Tracepoint, Pad][] | string {
  // The last one first: who leads to it has to know where it is.
  const made: [Tracepoint, Pad][] = [];
  for (const each of [...inner, { tracepoint, windows, wish }]) {
    const next = made[0]?.[1];
    const entered = next === undefined
      ? each.windows
      : Iterator.from(each.windows).map((window) => ({ ...window, inside: insideOf(window, next) }));
    const pad = makePad(context, each.tracepoint, entered, each.wish);
    if (typeof pad === "string") {
      // Nothing has led into them yet.
      for (const [, other] of made) tracepoint.image.slots.free(other);
      return obstacle ?? pad;
    }
    made.unshift([each.tracepoint, pad]);
  }
  return made;
}

/** How a pad is the next one of a window. */
function insideOf({ address }: JumpWindow, { entry, window }: Pad): InnerSite {
  return { offset: window.address - address, entry };
}

/** Makes the pad of a tracepoint. Those that tally need many counters: when there are no more, they record. */
function makePad(
  { tracer, mappings }: JumpContext,
  tracepoint: Tracepoint,
  windows: Iterable<JumpWindow>,
  wish: PadWish,
): Pad | string {
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
  if (tracepoint.mayChange) return CHANGES;
  const leaving = findLeaving(tracepoint);
  if (typeof leaving === "string") return leaving;
  const { jumps } = image.isa;
  if (jumps === undefined) return "there are no jumps on this machine";
  if (mayEndStack(context, jumps, tracepoint)) return STACK_ENDS;
  const window = findWindow(context, jumps, tracepoint);
  if (typeof window === "string") return window;
  if (leaving !== undefined && !jumps.canTellLeaving(window)) return STAYS;
  const inner = planInner(context, tracepoint, window);
  if (inner !== undefined) {
    return { windows: listWindows(context, tracepoint, window, inner), wish: { ...wish, leaving }, inner };
  }
  const earlier = listEarlier(context, tracepoint, window);
  if (earlier.length === 0) return PROBE_INSIDE;
  return {
    windows: earlier.flatMap((other) => listShrunk(jumps, other)),
    wish: { ...wish, leaving },
    inner: [],
    obstacle: PROBE_INSIDE,
  };
}

/** How the tracepoints inside of a jump share it, descending by address; undefined if one cannot. */
function planInner(
  context: WindowContext,
  { image, pc }: Tracepoint,
  window: JumpWindow,
): readonly InnerPlan[] | undefined {
  const { tracepoints } = context;
  const jumps = image.isa.jumps!;
  if (findJumpsOver(tracepoints, image, pc, pc + jumps.jumpBytes).length > 0) return undefined;
  const plans: InnerPlan[] = [];
  for (let offset = jumps.jumpBytes - 1; offset > 0; offset--) {
    const tracepoint = tracepoints.find(image.pid, pc + offset, image.isa.unitBytes);
    if (tracepoint === undefined || (tracepoint.unused && !image.text.has(tracepoint.pc))) continue;
    // Where nothing is overwritten, or it has a place in the text already, there is no sharing.
    if (!window.boundaries.includes(offset) || image.text.has(tracepoint.pc)) return undefined;
    const wish = wishOf(tracepoint);
    const leaving = findLeaving(tracepoint);
    if (typeof wish === "string" || typeof leaving === "string" || mayEndStack(context, jumps, tracepoint)) {
      return undefined;
    }
    const inner = innerWindow(window, offset, jumps.jumpBytes);
    if (leaving !== undefined && !jumps.canTellLeaving(inner)) return undefined;
    plans.push({ tracepoint, windows: [inner], wish: { ...wish, leaving } });
  }
  return plans;
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

/** Whether there may be no stack for a pad: in code that uses stacks to their ends, unless the function has looked. */
function mayEndStack(
  context: WindowContext,
  jumps: JumpInstaller,
  { before, after, endsStack, instruction }: Tracepoint,
): boolean {
  const looks = (probe: Probe) => flowOf(context, jumps, functionOf(probe, instruction)).checksStack();
  return endsStack && ![...before, ...after].every(looks);
}

/** The instructions that the jump would take the place of; a string says why it cannot. */
function findWindow(
  context: WindowContext,
  jumps: JumpInstaller,
  { image, pc, before, after, instruction }: Tracepoint,
): JumpWindow | string {
  const functions = [...before, ...after].map((probe) => functionOf(probe, instruction));
  const end = Math.min(...functions.map(({ address, sizeBytes }) => address + sizeBytes));
  const code = context.code(pc, jumps.jumpBytes + image.isa.longestBytes);
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
 * that keep none, whose pads can lie close to each other. Tracepoints that share the jump are at boundaries of each.
 */
function* listWindows(
  context: WindowContext,
  tracepoint: Tracepoint,
  window: JumpWindow,
  [last]: readonly InnerPlan[],
): Generator<JumpWindow> {
  const { image, pc } = tracepoint;
  const jumps = image.isa.jumps!;
  if (window.keptFrom === jumps.jumpBytes) yield window;
  const least = last === undefined ? 0 : last.tracepoint.pc - pc;
  const all = [window, ...(last === undefined ? listEarlier(context, tracepoint, window) : [])]
    .flatMap((other) => listShrunk(jumps, other)).filter(({ keptFrom }) => keptFrom > least);
  yield* all.sort((a, b) => b.keptFrom - a.keptFrom);
}

/** A window, and those that keep more of its bytes. */
function listShrunk(jumps: JumpInstaller, window: JumpWindow): JumpWindow[] {
  const shrunk = jumps.shrink(window);
  return shrunk === undefined ? [window] : [window, ...listShrunk(jumps, shrunk)];
}

/** The windows that begin before the site of a tracepoint and overlap no other, those with the fewest instructions first. */
function listEarlier(
  context: WindowContext,
  { image, before, after, instruction, pc }: Tracepoint,
  window: JumpWindow,
): JumpWindow[] {
  const jumps = image.isa.jumps!;
  const [first, ...others] = [...before, ...after].map((probe) => functionOf(probe, instruction));
  if (first === undefined || others.some(({ address }) => address !== first.address)) return [];
  const starts = flowOf(context, jumps, first).straightBefore(pc, jumps.earliestBytes);
  return starts.map((start, index) => {
    const code = context.code(pc + start as Address, -start);
    return jumps.beginEarlier(window, starts.slice(index), code);
  }).filter(({ address }) => !isTaken(context.tracepoints, image, pc, address)).reverse();
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
    // Those that share it are told by the first.
    if (other?.pad === undefined || other.pad.window.isInner) continue;
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
