/**
 * Enabling and disabling: tracepoints come into the table and the text, and leave them.
 *
 * *Problem.* Thousands of probes are enabled at once while hundreds of threads run. Each probe is to be all there or
 * not at all, a thread may meet a trap the moment it is written, and a slot may be used by a thread at the moment its
 * last probe goes.
 *
 * *Method.* One batch per memory image, with all its threads stopped once:
 *
 * 1. each site of each probe finds the tracepoint that is there, or decodes the original instruction and makes one;
 * 2. the tracepoints enter the table;
 * 3. tracepoints in the text that the new ones concern are taken out of it, to be written anew with them: those that do not
 *    do what is wanted of them, and those that are near enough to share a jump or to be in its way;
 * 4. those whose hits are only counted or recorded get a pad if they can be jumps (`jumps.ts`), those of the others that
 *    cannot be emulated a slot, written before any jump or trap leads to it. In a program that is to outlive the tracer those
 *    that can be emulated get one as well, and the program's keeper is told of all (`process/keeper.ts`);
 * 5. all traps and jumps are written, page by page;
 * 6. a probe with a site that failed in any step is undone, and its reason reported. The others stay.
 *
 * Disabling goes the other way: traps out of the text, tracepoints out of the table, and then the slots, except those
 * that a thread is in. Those that have shared jumps with them are written anew.
 *
 * *The barrier.* The slots of tracepoints that go are retired; `barrier.ts` says when they may be used again. Each batch,
 * which has all threads stopped anyway, looks where they are.
 *
 * *Verification* (rule 44). A tracepoint that is shared with an earlier probe is used only if its trap is still in the
 * text. If somebody has written other code there, it is made anew from that. So it is when a consumer enables a probe that
 * another one has enabled already.
 *
 * *A trap that cannot be taken out* (rule 43), because the kernel refuses to write what it has written before, would kill
 * the program. Its tracepoint therefore stays in the table, without probes: hits of it cost time and nothing else.
 *
 * @module
 */

import { type Address, formatAddress } from "../address.ts";
import type { FunctionFlow } from "../isa/jumps.ts";
import type { Image } from "../process/process.ts";
import { dropInheritedPads } from "../process/inherited_pads.ts";
import { innerSitesOf } from "../process/inner_sites.ts";
import type { KeptSite } from "../process/keeper.ts";
import { provideKeeper, publishSites } from "../process/keeper_memory.ts";
import { readMappingsAndHeap, writePads } from "../process/pad_memory.ts";
import type { Mapping } from "../process/proc_files.ts";
import { makeSlots } from "../process/slot_memory.ts";
import type { TextJump } from "../process/text.ts";
import { contextRefusal } from "./context.ts";
import type { Fasttrap } from "./fasttrap.ts";
import type { Probe } from "./probe.ts";
import type { Tracer } from "../process/tracer.ts";
import type { JumpContext } from "./jumps.ts";
import { findConcerned, findFreed } from "./neighbours.ts";
import { refusalOf, TracepointPlanner } from "./planner.ts";
import { lowerSemaphores, raiseSemaphores } from "./probe_semaphores.ts";
import type { Tracepoint, TracepointTable } from "./tracepoint.ts";

/** A probe that could not be enabled. */
export interface Refusal {
  /** The probe. */
  readonly probe: Probe;
  /** Why, as the end of a sentence. */
  readonly reason: string;
}

/** How many pads are made before they are written. */
const PADS_AT_ONCE = 1024;
/** How much code is read at once at least, from the beginning of a page, in bytes. */
const WINDOW_BYTES = 1 << 15;
const PAGE_BYTES = 4096;

/** A part of the code that has been read. */
interface CodeWindow {
  readonly start: number;
  /** How many bytes were asked for; `bytes` ends where memory does. */
  readonly size: number;
  readonly bytes: Uint8Array;
}

/** What is kept during one batch. */
interface Batch extends Omit<JumpContext, "code"> {
  readonly fasttrap: Fasttrap;
  readonly image: Image;
  /** Tracepoints made in this batch. */
  readonly made: Set<Tracepoint>;
  /** Why a probe is refused. */
  readonly reasons: Map<Probe, string>;
  /** How tracepoints are made. */
  readonly planner: TracepointPlanner;
  /** The code that was read last: sites that are near each other are read together. Nothing changes it during a batch. */
  window: CodeWindow | undefined;
  /** See {@linkcode JumpContext.tracer}. */
  readonly tracer: Tracer;
  /** See {@linkcode JumpContext.tracepoints}. */
  readonly tracepoints: TracepointTable;
  /** See {@linkcode JumpContext.mappings}. */
  readonly mappings: Mapping[];
  /** See {@linkcode WindowContext.flows}. */
  readonly flows: Map<Address, FunctionFlow>;
  /** Memory that other processes or a file share, where nothing may be written (rule 140). */
  readonly shared: readonly Mapping[];
}

/**
 * Enables probes that are not enabled, or whose tracepoints are not all there any more.
 *
 * @param fasttrap The tables.
 * @param probes The probes. Those of a program that is gone are passed over.
 * @returns The probes that could not be enabled.
 */
export function enableProbes(fasttrap: Fasttrap, probes: readonly Probe[]): Refusal[] {
  const refusals: Refusal[] = [];
  for (const [image, group] of byImage(probes)) {
    fasttrap.tracer.quiesce(image);
    try {
      dropInheritedPads(fasttrap.tracer, image);
      const batch = makeBatch(fasttrap, image);
      fasttrap.barrier.pass(image);
      const left = unlinkProbes(fasttrap, image, group.filter(({ enabled }) => enabled));
      for (const probe of group) if (!probe.owner.retired) linkProbe(batch, probe);
      if (made(batch).length > 0) provideKeeper(fasttrap.tracer, image);
      const again = takeOut(batch, [...left, ...findUnsuited(fasttrap, image, group)]);
      install(batch, again);
      raiseSemaphores(fasttrap, image, group.filter(({ enabled }) => enabled));
      for (const [probe, reason] of batch.reasons) refusals.push({ probe, reason });
    } finally {
      fasttrap.tracer.release();
    }
  }
  return refusals;
}

/**
 * Disables probes.
 *
 * @param fasttrap The tables.
 * @param probes The probes. Those that are not enabled, and those of a program that is gone, are passed over.
 */
export function disableProbes(fasttrap: Fasttrap, probes: readonly Probe[]): void {
  for (const [image, group] of byImage(probes.filter(({ enabled }) => enabled))) {
    fasttrap.tracer.quiesce(image);
    try {
      const addresses = group.flatMap((probe) => probe.addresses);
      const left = unlinkProbes(fasttrap, image, group);
      rewrite(fasttrap, image, [...left, ...findFreed(fasttrap, image, addresses)]);
    } finally {
      fasttrap.tracer.release();
    }
  }
}

/**
 * Makes the jumps of probes do what is wanted of them now, or traps of them.
 *
 * @param fasttrap The tables.
 * @param probes The probes, which are enabled.
 */
export function reviseJumps(fasttrap: Fasttrap, probes: readonly Probe[]): void {
  for (const [image, group] of byImage(probes)) {
    if (findUnsuited(fasttrap, image, group).size === 0) continue;
    fasttrap.tracer.quiesce(image);
    try {
      rewrite(fasttrap, image, [...findUnsuited(fasttrap, image, group)]);
    } finally {
      fasttrap.tracer.release();
    }
  }
}

/** The tracepoints of probes that are not what they should be: jumps that do something else, traps that could be jumps. */
function findUnsuited(fasttrap: Fasttrap, image: Image, probes: readonly Probe[]): Set<Tracepoint> {
  const found = new Set<Tracepoint>();
  for (const { addresses } of probes) {
    for (const pc of addresses) {
      const tracepoint = fasttrap.tracepoints.find(image.pid, pc, image.isa.unitBytes);
      if (tracepoint !== undefined && image.text.has(pc) && !fasttrap.jumps.suits(tracepoint)) found.add(tracepoint);
    }
  }
  return found;
}

/**
 * Tells whether the traps of a probe that is enabled are all in the text still.
 *
 * @param probe The probe.
 * @returns Whether they are, or there is no text to look at any more.
 */
export function isIntact({ addresses, owner: { process: { image } } }: Probe): boolean {
  return !image.alive || (image.text.missing(addresses).length === 0 && addresses.every((pc) => image.text.has(pc)));
}

/** Takes probes off their tracepoints, and those out that nobody uses any more. Returns whom they leave without their jumps. */
function unlinkProbes(fasttrap: Fasttrap, image: Image, probes: readonly Probe[]): Tracepoint[] {
  const unused = new Set<Tracepoint>();
  for (const probe of probes) unlinkProbe(fasttrap, image, probe, unused);
  lowerSemaphores(fasttrap, image, probes);
  return removeTracepoints(fasttrap, image, unused);
}

/**
 * Takes tracepoints that no probe uses out of text and table. All threads of the image are stopped. Returns those that have
 * shared jumps with them, which are in the table only.
 */
function removeTracepoints(fasttrap: Fasttrap, image: Image, unused: ReadonlySet<Tracepoint>): Tracepoint[] {
  if (unused.size === 0) return [];
  const stuck = new Set(image.text.remove([...unused].map(({ pc }) => pc)));
  const removed = [...unused].filter(({ pc }) => !stuck.has(pc));
  const left = removed.flatMap(({ sharers }) => sharers).filter((sharer) => !unused.has(sharer));
  for (const tracepoint of removed) {
    fasttrap.jumps.release(tracepoint);
    fasttrap.tracepoints.delete(tracepoint);
  }
  fasttrap.barrier.retire(image, removed.flatMap(({ slot }) => slot ?? []));
  fasttrap.barrier.pass(image);
  if (stuck.size > 0) fasttrap.warn(`Cannot restore ${stuck.size} instructions of process ${image.pid} yet`);
  return [...new Set(left)];
}

function makeBatch(fasttrap: Fasttrap, image: Image): Batch {
  const mappings = readMappingsAndHeap(fasttrap.tracer.kernel, image.pid);
  return {
    fasttrap,
    image,
    tracer: fasttrap.tracer,
    tracepoints: fasttrap.tracepoints,
    flows: new Map(),
    made: new Set(),
    reasons: new Map(),
    planner: new TracepointPlanner(fasttrap, image, mappings),
    window: undefined,
    mappings,
    shared: mappings.filter(({ permissions }) => permissions[2] === "x" && permissions[3] === "s"),
  };
}

function byImage(probes: readonly Probe[]): Map<Image, Probe[]> {
  const living = probes.filter(({ owner }) => owner.process.image.alive);
  return Map.groupBy(living, ({ owner }) => owner.process.image);
}

/** Links a probe to the tracepoints of all its sites, or to none of them. */
function linkProbe(batch: Batch, probe: Probe): void {
  const { fasttrap, image } = batch;
  const linked: Tracepoint[] = [];
  for (const pc of probe.addresses) {
    const found = findTracepoint(batch, pc) ?? makeTracepoint(batch, pc);
    const reason = typeof found === "string" ? found : refusalOf(found, probe);
    if (reason !== undefined) {
      for (const tracepoint of linked) tracepoint.unlink(probe);
      refuse(batch, probe, `${reason}, ${placeOf(pc, probe)}`);
      return;
    }
    const tracepoint = found as Tracepoint;
    tracepoint.link(probe);
    linked.push(tracepoint);
    if (batch.made.has(tracepoint) && fasttrap.tracepoints.find(image.pid, pc, image.isa.unitBytes) !== tracepoint) {
      fasttrap.tracepoints.add(tracepoint);
    }
  }
  probe.enabled = true;
  probe.spent = false;
}

/** Where a site is, as the end of a sentence; the function of a static probe need not be known. */
function placeOf(pc: Address, { kind, functionAddress }: Probe): string {
  return kind === "static" ? `at ${formatAddress(pc)}` : `at offset 0x${(pc - functionAddress).toString(16)}`;
}

/** The live tracepoint at an address, if its trap is still there. */
function findTracepoint({ fasttrap, image, made }: Batch, pc: Address): Tracepoint | undefined {
  const tracepoint = fasttrap.tracepoints.find(image.pid, pc, image.isa.unitBytes);
  if (tracepoint === undefined || made.has(tracepoint) || image.text.missing([pc]).length === 0) return tracepoint;
  // Other code is there now. Probes of the old code keep their lists on a tracepoint that is never hit again.
  image.text.forget([pc]);
  for (const each of tracepoint.together) fasttrap.tracepoints.delete(each);
  return undefined;
}

/** Decodes the instruction at an address. A string says why it cannot be traced. */
function makeTracepoint(batch: Batch, pc: Address): Tracepoint | string {
  const { image, made, planner, shared } = batch;
  if (shared.some(({ start, end }) => pc >= start && pc < end)) return "its text is mapped shared";
  const code = readCode(batch, pc, image.isa.longestBytes);
  if (code.length === 0) return "its memory cannot be read";
  const instruction = image.isa.decode(code, 0, pc);
  if (instruction === undefined) return "there is no instruction that can be decoded";
  const refusal = instruction.refusal ?? contextRefusal(image, pc);
  if (refusal !== undefined) return refusal;
  const tracepoint = planner.plan(instruction);
  made.add(tracepoint);
  return tracepoint;
}

/** As much of the code at an address as is asked for and can be read. */
function readCode(batch: Batch, pc: Address, size: number): Uint8Array {
  const { image: { memory } } = batch;
  let { window } = batch;
  const start = pc - pc % PAGE_BYTES;
  const isRead = window !== undefined && pc >= window.start && pc + size <= window.start + window.bytes.length;
  // Where memory ends, there is nothing more to be had from the same page on.
  if (window === undefined || !(isRead || (window.start === start && pc + size <= start + window.size))) {
    const bytes = new Uint8Array(Math.max(WINDOW_BYTES, pc + size - start));
    const read = memory.read(start, bytes);
    batch.window = window = { start, size: bytes.length, bytes: bytes.subarray(0, read) };
  }
  const offset = pc - window.start;
  return window.bytes.subarray(offset, offset + size);
}

/**
 * Makes the slots that tracepoints need. Without one an instruction is stepped in place; without a tracer, it is the
 * program's keeper that needs them.
 */
function displace(batch: Batch, tracepoints: readonly Tracepoint[]): void {
  const { fasttrap, image } = batch;
  const needy = tracepoints.filter(({ emulated, inPlace, isStepped, pad, slot }) =>
    (image.keeper !== undefined ? !inPlace : !emulated && !isStepped) && pad === undefined && slot === undefined
  );
  const requests = needy.map(({ instruction, pc }) => ({
    instruction,
    code: readCode(batch, pc, instruction.length).slice(),
  }));
  const slots = makeSlots(fasttrap.tracer, image, requests);
  for (const [index, tracepoint] of needy.entries()) tracepoint.slot = slots[index];
}

/** Makes pads and slots, writes jumps and traps, and undoes the probes of which that failed. */
function install(batch: Batch, again: readonly Tracepoint[]): void {
  const { fasttrap, image } = batch;
  const wanted = [...made(batch), ...again].sort((a, b) => a.pc - b.pc);
  planJumps(batch, wanted);
  for (const tracepoint of again) {
    if (tracepoint.pad === undefined || tracepoint.slot === undefined) continue;
    fasttrap.barrier.retire(image, [tracepoint.slot]);
    tracepoint.slot = undefined;
  }
  displace(batch, wanted);
  if (wanted.length > 0) publishComing(batch, wanted);
  const failed = new Set(write(image, wanted));
  for (const tracepoint of wanted) if (!failed.has(tracepoint.pc)) fasttrap.jumps.arm(tracepoint);
  for (const { pc } of again) {
    if (failed.has(pc)) fasttrap.warn(`Cannot enable probes at ${formatAddress(pc)} again`);
  }
  undo(batch, failed);
}

/** Undoes the probes with sites that could not be written, and removes the new tracepoints that nobody uses. */
function undo(batch: Batch, failed: ReadonlySet<Address>): void {
  const { fasttrap, image } = batch;
  const undone = new Set<Tracepoint>([...batch.made].filter((tracepoint) => tracepoint.unused));
  for (const { pc, before, after, asked } of made(batch)) {
    if (!failed.has(pc)) continue;
    for (const probe of [...before, ...after, ...asked]) {
      unlinkProbe(fasttrap, image, probe, undone);
      refuse(batch, probe, "its text cannot be written");
    }
  }
  const installed = new Set<Tracepoint>();
  for (const tracepoint of undone) {
    const { pc, slot, pad } = tracepoint;
    if (fasttrap.tracepoints.find(image.pid, pc, image.isa.unitBytes) !== tracepoint) continue;
    if (image.text.has(pc)) {
      installed.add(tracepoint);
      continue;
    }
    fasttrap.tracepoints.delete(tracepoint);
    // Nothing has led into them yet.
    if (slot !== undefined) image.slots.free(slot);
    if (pad !== undefined) image.slots.free(pad);
  }
  rewrite(fasttrap, image, removeTracepoints(fasttrap, image, installed));
}

/** The new tracepoints that somebody uses. */
function made({ made }: Batch): Tracepoint[] {
  return [...made].filter(({ unused }) => !unused);
}

/** Makes the pads of the tracepoints that can be jumps. */
function planJumps(batch: Batch, tracepoints: readonly Tracepoint[]): void {
  const { fasttrap, image } = batch;
  const context = { ...batch, code: (pc: Address, size: number) => readCode(batch, pc, size) };
  // The contents of a few pads at a time wait for being written.
  let planned: Tracepoint[] = [];
  for (const tracepoint of tracepoints) {
    fasttrap.jumps.plan(context, tracepoint);
    if (tracepoint.pad === undefined) continue;
    planned.push(tracepoint);
    if (planned.length < PADS_AT_ONCE) continue;
    writePlanned(image, planned);
    planned = [];
  }
  writePlanned(image, planned);
}

/** Writes the pads of tracepoints, which become traps if that fails. */
function writePlanned(image: Image, planned: readonly Tracepoint[]): void {
  const unwritten = new Set(writePads(image, planned.map(({ pad }) => pad!)));
  if (unwritten.size === 0) return;
  for (const tracepoint of planned.filter(({ pad }) => unwritten.has(pad!)).flatMap(({ together }) => together)) {
    if (tracepoint.pad !== undefined) image.slots.free(tracepoint.pad);
    tracepoint.pad = undefined;
    tracepoint.sharers = [];
    tracepoint.trapReason = "its pad cannot be written";
  }
}

/** Takes tracepoints out of the text that are to be written anew, and those that are concerned by that. Returns them. */
function takeOut({ fasttrap, image, made }: Batch, tracepoints: readonly Tracepoint[]): Tracepoint[] {
  const concerned = findConcerned(fasttrap, image, tracepoints, made);
  const stuck = new Set(image.text.remove([...concerned].map(({ pc }) => pc)));
  const removed = [...concerned].filter(({ pc }) => !stuck.has(pc));
  for (const tracepoint of removed) fasttrap.jumps.release(tracepoint);
  // Where there is hardly a choice, the new pads need the place of the old ones.
  if (removed.length > 0) fasttrap.barrier.pass(image);
  return removed;
}

/** Writes the jumps and traps of tracepoints. Returns the addresses that could not be written. */
function write({ text }: Image, tracepoints: readonly Tracepoint[]): Address[] {
  const jumps: TextJump[] = [];
  const traps: Address[] = [];
  for (const { pc, pad, together } of tracepoints) {
    if (pad === undefined) traps.push(pc);
    else if (!pad.window.isInner) {
      jumps.push({ address: pad.window.address, sites: together.map((sharer) => sharer.pc), bytes: pad.jump });
    }
  }
  return [...text.install(traps), ...text.installJumps(jumps)];
}

/** Tells the keeper of the program, if it has one, of tracepoints before their traps and jumps are in the text. */
function publishComing(batch: Batch, tracepoints: readonly Tracepoint[]): void {
  const { fasttrap, image } = batch;
  if (image.keeper === undefined) return;
  publishSites(fasttrap.tracer, image, tracepoints.flatMap((each) => sitesOf(batch, each)));
}

/** What the keeper of a program has to know of a tracepoint. */
function sitesOf(batch: Batch, { pc: address, pad, slot, image }: Tracepoint): KeptSite[] {
  if (pad === undefined) {
    const original = readCode(batch, address, image.isa.trap.length).slice();
    return [{ address, target: slot?.address, original }];
  }
  if (pad.window.isInner) return [];
  const original = pad.window.code.subarray(0, pad.jumpBytes);
  return [{ address: pad.window.address, target: undefined, original }, ...innerSitesOf(pad)];
}

/** Writes tracepoints anew, and those that are concerned by that: as jumps if they can be, as traps else. */
function rewrite(fasttrap: Fasttrap, image: Image, tracepoints: readonly Tracepoint[]): void {
  if (tracepoints.length === 0) return;
  const batch = makeBatch(fasttrap, image);
  install(batch, takeOut(batch, tracepoints));
}

/** Unlinks a probe everywhere and adds the tracepoints that nobody uses any more. */
function unlinkProbe(fasttrap: Fasttrap, image: Image, probe: Probe, unused: Set<Tracepoint>): void {
  for (const pc of probe.addresses) {
    const tracepoint = fasttrap.tracepoints.find(image.pid, pc, image.isa.unitBytes);
    if (tracepoint === undefined || tracepoint.image !== image) continue;
    tracepoint.unlink(probe);
    if (tracepoint.unused) unused.add(tracepoint);
  }
  probe.enabled = false;
}

function refuse({ reasons }: Batch, probe: Probe, reason: string): void {
  probe.enabled = false;
  reasons.set(probe, reason);
}
