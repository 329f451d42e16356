/**
 * Mapping and unmapping the memory for slots in a target.
 *
 * @module
 */

import { type Address, isAddress, toAddress } from "../address.ts";
import { SystemError } from "../errors.ts";
import type { Instruction } from "../isa/isa.ts";
import type { Image } from "./process.ts";
import { readMappings } from "./proc_files.ts";
import { MAP_ANONYMOUS, MAP_FIXED_NOREPLACE, MAP_PRIVATE, PROT_EXEC, PROT_READ } from "./ptrace.ts";
import { allowsCalls, findCaller, remoteCall } from "./remote_call.ts";
import type { Slot } from "./slots.ts";
import type { Tracer } from "./tracer.ts";

/** How many gaps are tried before a module is given up. */
const TRIES_LIMIT = 4;

/** An instruction that a slot is wanted for. */
export interface SlotRequest {
  /** The instruction. */
  readonly instruction: Instruction;
  /** Its original bytes. */
  readonly code: Uint8Array;
}

/**
 * Makes slots for instructions and writes them, mapping memory if there is none near enough. All threads of the image must be
 * stopped.
 *
 * @param tracer The tracer.
 * @param image The image.
 * @param requests The instructions.
 * @returns The slot of each; undefined where there can be none.
 */
export function makeSlots(tracer: Tracer, image: Image, requests: readonly SlotRequest[]): (Slot | undefined)[] {
  const slots = requests.map(({ instruction, code }) =>
    image.slots.hasRoom(instruction.address) || mapQuietly(tracer, image, instruction.address, requests.length)
      ? image.slots.allocate(instruction, code)
      : undefined
  );
  const unwritten = new Set(writeSlots(image, slots.filter((slot) => slot !== undefined)));
  return slots.map((slot) => slot !== undefined && unwritten.has(slot) ? undefined : slot);
}

/** Writes slots, those that lie beside each other in one request. Returns, and frees, those that could not be written. */
function writeSlots(image: Image, slots: readonly Slot[]): Slot[] {
  const { trap, slotBytes } = image.isa;
  const sorted = [...slots].sort((a, b) => a.address - b.address);
  const unwritten: Slot[] = [];
  for (let begin = 0, end; begin < sorted.length; begin = end) {
    const { address } = sorted[begin]!;
    for (end = begin + 1; end < sorted.length && sorted[end]!.address === address + (end - begin) * slotBytes; end++);
    const run = sorted.slice(begin, end);
    const bytes = new Uint8Array(run.length * slotBytes);
    for (let at = 0; at < bytes.length; at += trap.length) bytes.set(trap, at);
    for (const { address: at, displacement } of run) bytes.set(displacement.code, at - address);
    if (!image.text.write(address, bytes)) unwritten.push(...run);
  }
  for (const slot of unwritten) image.slots.free(slot);
  return unwritten;
}

/**
 * Unmaps all slots of an image. All its threads must be stopped outside of them.
 *
 * @param tracer The tracer.
 * @param image The image.
 */
export function unmapArenas(tracer: Tracer, image: Image): void {
  const ranges = image.slots.ranges;
  const thread = ranges.length > 0 ? findCaller(image) : undefined;
  if (thread === undefined) return;
  for (const { base, sizeBytes } of ranges) {
    remoteCall(tracer, thread, image.isa.registers.systemCalls.munmap, [base, sizeBytes]);
  }
  image.slots.clear();
}

/** Maps an arena, if it can be: a target that dies on the way is no failure of the probes. */
function mapQuietly(tracer: Tracer, image: Image, address: Address, slotsWanted: number): boolean {
  try {
    return mapArena(tracer, image, address, slotsWanted);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return false;
  }
}

/** Has the target map an arena that is near an instruction. */
function mapArena(tracer: Tracer, image: Image, address: Address, slotsWanted: number): boolean {
  if (image.slotsRefused !== undefined) return false;
  const thread = findCaller(image);
  if (thread === undefined) return false;
  if (!allowsCalls(tracer.kernel, thread.process.pid)) {
    image.slotsRefused = "its seccomp filter may forbid to map memory";
    return false;
  }
  const mappings = readMappings(tracer.kernel, thread.process.pid) ?? [];
  const size = image.slots.nextArenaBytes(slotsWanted);
  for (let tries = 0; tries < TRIES_LIMIT; tries++) {
    const base = image.slots.findGap(mappings, address, size);
    if (base === undefined) return false;
    const got = remoteCall(tracer, thread, image.isa.registers.systemCalls.mmap, [
      base,
      size,
      PROT_READ | PROT_EXEC,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
      -1,
      0,
    ]);
    if (got === base) {
      image.slots.add(base, size);
      return true;
    }
    if (got === -1 || got === -13) {
      image.slotsRefused = "it may not map executable memory";
      return false;
    }
    // A kernel before 4.17 takes the address as a hint only.
    if (isAddress(got)) remoteCall(tracer, thread, image.isa.registers.systemCalls.munmap, [got, size]);
    mappings.push({ ...mappings[0]!, start: base, end: toAddress(base + size), path: "" });
    mappings.sort((a, b) => a.start - b.start);
  }
  return false;
}
