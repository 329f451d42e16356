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
 * once; what one counts depends on whether the instruction leaves the function, and what another counts does not; another
 * probe is inside of the jump.
 *
 * *Invariants.*
 * - No tracepoint is inside of a jump, or of what a jump takes the place of and overwrites. When one comes there, the jump
 *   gives way to a trap.
 * - A pad is retired when its jump is out of the text, and freed by the barrier, as slots are.
 *
 * @module
 */

import type { Address } from "../address.ts";
import type { FunctionFlow, JumpInstaller, JumpWindow, PadAction } from "../isa/isa.ts";
import { makeCountingPad } from "../process/pad_memory.ts";
import type { Image } from "../process/process.ts";
import type { Mapping } from "../process/proc_files.ts";
import type { Tracer } from "../process/tracer.ts";
import type { Barrier } from "./barrier.ts";
import type { Probe } from "./probe.ts";
import type { Tracepoint, TracepointTable } from "./tracepoint.ts";

/** A function that is larger is not searched for branches into a jump, in bytes. */
const FUNCTION_LIMIT_BYTES = 1 << 20;
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
  readonly leaving: PadAction["leaving"];
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
    const plan = tryPlan(context, tracepoint);
    const pad = typeof plan === "string"
      ? plan
      : makeCountingPad(context.tracer, image, context.mappings, tracepoint.instruction, plan.windows, plan.leaving);
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
    const plan = tryPlan(context, tracepoint);
    return typeof plan === "string" ? plan : undefined;
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

/** How a tracepoint can be a jump; a string says why it cannot. */
function tryPlan(context: WindowContext, tracepoint: Tracepoint): Plan | string {
  const { image } = tracepoint;
  const reason = whyStop(tracepoint) ?? image.pads.refused;
  if (reason !== undefined) return reason;
  const leaving = findLeaving(tracepoint);
  if (typeof leaving === "string") return leaving;
  const window = findWindow(context, tracepoint);
  if (typeof window === "string") return window;
  if (leaving !== undefined && !image.isa.jumps!.canTellLeaving(window)) return STAYS;
  return { windows: listWindows(context, tracepoint, window), leaving };
}

/** Why the hits of a tracepoint have to stop the thread; undefined if counting is all that is wanted. */
function whyStop({ asked, before, after }: Tracepoint): string | undefined {
  const probes = [...before, ...after];
  if (asked.length > 0) return "the program asks there whether a probe is enabled";
  if (probes.some(({ oneshot }) => oneshot)) return "it fires only once";
  if (probes.some(({ enablings }) => enablings.some(({ counted }) => counted === undefined))) {
    return "a handler wants to see the thread";
  }
  if (probes.some(({ functionBytes }) => functionBytes === 0)) return "its function is not known";
  return undefined;
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
function findWindow(context: WindowContext, { image, pc, before, after }: Tracepoint): JumpWindow | string {
  const { jumps, longestBytes } = image.isa;
  if (jumps === undefined) return "there are no jumps on this machine";
  if (isTaken(context.tracepoints, image, pc, pc)) return "another probe is inside of the jump";
  const probes = [...before, ...after];
  const end = Math.min(...probes.map(({ functionAddress, functionBytes }) => functionAddress + functionBytes));
  const code = context.code(pc, jumps.jumpBytes + longestBytes);
  return jumps.findWindow(
    code,
    0,
    pc,
    end as Address,
    (address) => probes.some((probe) => flowOf(context, jumps, probe).leadsTo(address)),
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
  { before, after, pc }: Tracepoint,
  window: JumpWindow,
): JumpWindow[] {
  const probes = [...before, ...after];
  const { functionAddress } = probes[0]!;
  if (probes.some((probe) => probe.functionAddress !== functionAddress)) return [];
  const starts = flowOf(context, jumps, probes[0]!).straightBefore(pc, jumps.earliestBytes);
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

/** How control flows in the function of a probe. */
function flowOf(
  { code, flows }: WindowContext,
  jumps: JumpInstaller,
  { functionAddress, functionBytes }: Probe,
): FunctionFlow {
  let flow = flows.get(functionAddress);
  if (flow === undefined) {
    const bytes = code(functionAddress, Math.min(functionBytes, FUNCTION_LIMIT_BYTES));
    flow = jumps.readFlow(bytes, functionAddress);
    // Sites come function by function: those before are hardly asked for again.
    if (flows.size >= FLOWS_LIMIT) flows.clear();
    flows.set(functionAddress, flow);
  }
  return flow;
}
