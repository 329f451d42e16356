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
 * 2. those that cannot be emulated get a slot, written before any trap leads to it;
 * 3. the tracepoints enter the table;
 * 4. all traps are written, page by page;
 * 5. a probe with a site that failed in any step is undone, and its reason reported. The others stay.
 *
 * Disabling goes the other way: traps out of the text, tracepoints out of the table, and then the slots, except those
 * that a thread is in.
 *
 * *The barrier.* A slot may be used again only when no thread can be inside. With all threads stopped that is a look at
 * their program counters; it needs no generation counting. The slots of threads that could not be stopped (suspended in
 * the kernel) cannot be looked at: they stay until a later batch finds every thread outside.
 *
 * *Verification* (rule 44). A tracepoint that is shared with an earlier probe is used only if its trap is still in the
 * text. If somebody has written other code there, it is made anew from that.
 *
 * @module
 */

import type { Address } from "../address.ts";
import type { Instruction, WordMemory } from "../isa/isa.ts";
import type { Image } from "../process/process.ts";
import { makeSlot } from "../process/slot_memory.ts";
import type { Slot } from "../process/slots.ts";
import type { Fasttrap } from "./fasttrap.ts";
import type { Probe } from "./probe.ts";
import { Tracepoint } from "./tracepoint.ts";

/** A probe that could not be enabled. */
export interface Refusal {
  /** The probe. */
  readonly probe: Probe;
  /** Why, as the end of a sentence. */
  readonly reason: string;
}

/** Memory in which everything succeeds, to find out whether an instruction is one that can be emulated. */
const ANY_MEMORY: WordMemory = {
  readWord(_address, into) {
    into.fill(0);
    return true;
  },
  writeWord: () => true,
};

/** Code is read in windows of this size, in bytes, and the longest instruction beyond. */
const WINDOW_BYTES = 4096;

/** A part of the code that has been read. */
interface CodeWindow {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** What is kept during one batch. */
interface Batch {
  readonly fasttrap: Fasttrap;
  readonly image: Image;
  /** Tracepoints made in this batch, with the original bytes. */
  readonly made: Map<Tracepoint, Uint8Array>;
  /** Why a probe is refused. */
  readonly reasons: Map<Probe, string>;
  /** Registers for trying whether an instruction can be emulated. */
  readonly registers: Uint32Array;
  /** The code that was read last: sites of one page are read together. Nothing changes it during a batch. */
  window: CodeWindow | undefined;
}

/**
 * Enables probes that are not enabled.
 *
 * @param fasttrap The tables.
 * @param probes The probes. Those of a program that is gone are passed over.
 * @returns The probes that could not be enabled.
 */
export function enableProbes(fasttrap: Fasttrap, probes: readonly Probe[]): Refusal[] {
  const refusals: Refusal[] = [];
  for (const [image, group] of byImage(probes)) {
    const registers = new Uint32Array(image.isa.registersBytes / 4);
    const batch: Batch = { fasttrap, image, made: new Map(), reasons: new Map(), registers, window: undefined };
    fasttrap.tracer.quiesce(image);
    try {
      for (const probe of group) if (!probe.owner.retired) linkProbe(batch, probe);
      makeSlots(batch);
      installTraps(batch);
    } finally {
      fasttrap.tracer.release();
    }
    for (const [probe, reason] of batch.reasons) refusals.push({ probe, reason });
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
      const unused = new Set<Tracepoint>();
      for (const probe of group) unlinkProbe(fasttrap, image, probe, unused);
      const stuck = image.text.remove([...unused].map(({ pc }) => pc));
      for (const tracepoint of unused) fasttrap.tracepoints.delete(tracepoint);
      freeSlots(fasttrap, image, [...unused].flatMap(({ slot }) => slot ?? []));
      if (stuck.length > 0) fasttrap.warn(`Cannot restore ${stuck.length} instructions of process ${image.pid}`);
    } finally {
      fasttrap.tracer.release();
    }
  }
}

function byImage(probes: readonly Probe[]): Map<Image, Probe[]> {
  const living = probes.filter(({ owner }) => owner.process.image.alive);
  return Map.groupBy(living, ({ owner }) => owner.process.image);
}

/** Links a probe to the tracepoints of all its sites, or to none of them. */
function linkProbe(batch: Batch, probe: Probe): void {
  const { fasttrap, image } = batch;
  const linked: Tracepoint[] = [];
  for (const pc of probe.sites) {
    const found = findTracepoint(batch, pc) ?? makeTracepoint(batch, pc);
    const reason = typeof found === "string" ? found : refusalOf(found, probe);
    if (reason !== undefined) {
      for (const tracepoint of linked) tracepoint.unlink(probe);
      refuse(batch, probe, `${reason}, at offset 0x${(pc - probe.functionAddress).toString(16)}`);
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
}

/** The live tracepoint at an address, if its trap is still there. */
function findTracepoint({ fasttrap, image, made }: Batch, pc: Address): Tracepoint | undefined {
  const tracepoint = fasttrap.tracepoints.find(image.pid, pc, image.isa.unitBytes);
  if (tracepoint === undefined || made.has(tracepoint) || image.text.missing([pc]).length === 0) return tracepoint;
  // Other code is there now. Probes of the old code keep their lists on a tracepoint that is never hit again.
  image.text.forget([pc]);
  fasttrap.tracepoints.delete(tracepoint);
  return undefined;
}

/** Decodes the instruction at an address. A string says why it cannot be traced. */
function makeTracepoint(batch: Batch, pc: Address): Tracepoint | string {
  const { image, made } = batch;
  const code = readCode(batch, pc);
  if (code.length === 0) return "its memory cannot be read";
  const instruction = image.isa.decode(code, 0, pc);
  if (instruction === undefined) return "there is no instruction that can be decoded";
  if (instruction.refusal !== undefined) return instruction.refusal;
  const tracepoint = new Tracepoint(image, instruction, isEmulated(batch, instruction));
  made.set(tracepoint, code.slice(0, instruction.length));
  return tracepoint;
}

/** As much of the code at an address as the longest instruction has, and can be read. */
function readCode(batch: Batch, pc: Address): Uint8Array {
  const { image } = batch;
  let { window } = batch;
  if (window === undefined || pc < window.start || pc >= window.start + WINDOW_BYTES) {
    const start = pc - pc % WINDOW_BYTES;
    const bytes = new Uint8Array(WINDOW_BYTES + image.isa.longestBytes);
    batch.window = window = { start, bytes: bytes.subarray(0, image.memory.read(start, bytes)) };
  }
  const offset = pc - window.start;
  return window.bytes.subarray(offset, offset + image.isa.longestBytes);
}

function isEmulated({ image, registers }: Batch, instruction: Instruction): boolean {
  registers.fill(0);
  return image.isa.emulate(instruction, registers, ANY_MEMORY);
}

/** What happens after an instruction can be seen only if we perform it ourselves. */
function refusalOf({ emulated }: Tracepoint, { kind }: Probe): string | undefined {
  return kind === "return" && !emulated ? "its effect cannot be followed" : undefined;
}

/** Makes the slots that the new tracepoints need. Without one an instruction is stepped in place. */
function makeSlots({ fasttrap, image, made }: Batch): void {
  const needy = [...made].filter(([tracepoint]) => !tracepoint.emulated && !tracepoint.unused);
  for (const [tracepoint, code] of needy) {
    tracepoint.slot = makeSlot(fasttrap.tracer, image, tracepoint.instruction, code, needy.length);
  }
}

function installTraps(batch: Batch): void {
  const { fasttrap, image, made } = batch;
  const wanted = [...made.keys()].filter((tracepoint) => !tracepoint.unused);
  const failed = new Set(image.text.install(wanted.map(({ pc }) => pc)));
  const undone = new Set<Tracepoint>([...made.keys()].filter((tracepoint) => tracepoint.unused));
  for (const { pc, before, after } of wanted) {
    if (!failed.has(pc)) continue;
    for (const probe of [...before, ...after]) {
      unlinkProbe(fasttrap, image, probe, undone);
      refuse(batch, probe, "its text cannot be written");
    }
  }
  const written = [...undone].filter(({ pc }) => image.text.has(pc));
  image.text.remove(written.map(({ pc }) => pc));
  for (const tracepoint of undone) {
    const { pc } = tracepoint;
    if (fasttrap.tracepoints.find(image.pid, pc, image.isa.unitBytes) === tracepoint) {
      fasttrap.tracepoints.delete(tracepoint);
    }
    if (tracepoint.slot !== undefined) image.slots.free(tracepoint.slot);
  }
}

/** Unlinks a probe everywhere and adds the tracepoints that nobody uses any more. */
function unlinkProbe(fasttrap: Fasttrap, image: Image, probe: Probe, unused: Set<Tracepoint>): void {
  for (const pc of probe.sites) {
    const tracepoint = fasttrap.tracepoints.find(image.pid, pc, image.isa.unitBytes);
    if (tracepoint === undefined || tracepoint.image !== image) continue;
    tracepoint.unlink(probe);
    if (tracepoint.unused) unused.add(tracepoint);
  }
  probe.enabled = false;
}

/** Frees slots that no thread is in; the others wait on the image until a later batch. */
function freeSlots({ tracer }: Fasttrap, image: Image, slots: readonly Slot[]): void {
  const retired = [...image.retiredSlots.splice(0), ...slots];
  if (retired.length === 0) return;
  const occupied = new Set<Slot | undefined>();
  let blind = false;
  for (const thread of image.threads()) {
    if (thread.state === "suspended") blind = true;
    else if (thread.state === "stopped" && tracer.stop.loadRegisters(thread)) {
      occupied.add(image.slots.at(tracer.stop.getPc(image)));
    }
  }
  for (const slot of retired) {
    if (blind || occupied.has(slot)) image.retiredSlots.push(slot);
    else image.slots.free(slot);
  }
}

function refuse({ reasons }: Batch, probe: Probe, reason: string): void {
  probe.enabled = false;
  reasons.set(probe, reason);
}
