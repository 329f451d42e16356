/**
 * What an earlier tracer has left in a program because it was killed: found, and taken out.
 *
 * *Method.* The page of a keeper is found by its name near the beginning of an anonymous mapping, where those of several
 * tracers may lie one behind the other; its table says the rest (`keeper.ts`). With all threads stopped, in this order, so
 * that the program goes on if we die as well:
 *
 * 1. the text gets its original bytes back;
 * 2. threads come out of what is to be unmapped: out of slots by what the instruction there means, which is known again
 *    because the same slot would be made for it today, out of pads and of the keeper by single steps;
 * 3. the table is replaced by one of nothing but the ranges, then the semaphores are lowered, and the action of SIGTRAP becomes
 *    the default. Whatever stays mapped, because it has to or because this tracer is killed as well, the next one finds there;
 * 4. the memory is unmapped, if nothing in the program can lead back into it. If it has to stay, the pages of counters and
 *    records are given back.
 *
 * *The last condition* is not met of itself. Without a tracer signals were delivered to threads in slots and pads, and the
 * contexts that handlers return to are wherever the program has its stacks. So all memory that it may write is searched for
 * addresses in there, but for the records of hits, which have the program's data and lead nowhere. If there is one, or there
 * is too much to search, the memory stays.
 *
 * *Untrusted.* The program can write anything into its memory, also what looks like a keeper. So nothing is concluded from
 * it but what its own text allows: an original byte is written only where a trap is, original bytes only where a jump is
 * that leads into one of the ranges, and a range is unmapped only if it is anonymous memory, or the file that counters are
 * in. All of that the program could do to itself.
 *
 * A caller (`remote_call.ts`) that was left at the end of a text is taken out as well, unless the program may come back there.
 *
 * @module
 */

import { type Address, fromHalves, isAddress, toAddress } from "../address.ts";
import { SystemError } from "../errors.ts";
import { KEPT_TABLE } from "../isa/keeper.ts";
import { stepOut } from "./captures.ts";
import { encodeTable, KEEPER_BYTES, KEEPER_NAME, type KeptRange, OWN_OFFSET, TABLE_OFFSET, wordOf } from "./keeper.ts";
import { shedTraps } from "./pending_traps.ts";
import { type Mapping, readMappings } from "./proc_files.ts";
import type { Image, Thread, TracedProcess } from "./process.ts";
import { MADV_REMOVE } from "./ptrace.ts";
import { callerPlaceBefore, findCaller, isCallerAt, remoteCall } from "./remote_call.ts";
import { fileNumber } from "./semaphores.ts";
import type { Tracer } from "./tracer.ts";
import { forgetTrapAction } from "./trap_action.ts";

/** The largest table that is read, in bytes. */
const TABLE_LIMIT_BYTES = 1 << 28;
/** How much memory is searched at most for ways back, in bytes. */
const SEARCH_LIMIT_BYTES = 1 << 29;
/** How much of a mapping is searched for keepers, in bytes. */
const KEEPERS_LIMIT_BYTES = 1 << 20;
/** How much is read at once, in bytes. */
const READ_BYTES = 1 << 20;
const PAGE_BYTES = 4096;
const NAME = new TextEncoder().encode(KEEPER_NAME);
/** The file that counters and records are in, as `/proc/PID/maps` has it. */
const PADS_FILE = "/memfd:fasttrap";
/** The opcode of a jump. */
const JUMP = 0xe9;

/** A site of an earlier tracer. */
interface Site {
  readonly address: Address;
  readonly target: number;
  readonly original: Uint8Array;
}

/** What the table of a keeper says. */
interface Leftover {
  readonly keeper: Address;
  /** Where the table is; 0 if there is none. */
  readonly table: number;
  readonly sites: readonly Site[];
  readonly semaphores: readonly { readonly address: Address; readonly file: number }[];
  readonly ranges: readonly KeptRange[];
}

/**
 * Takes out of a process what an earlier tracer has left in it.
 *
 * @param tracer The tracer, whose registers are free to be used.
 * @param process The process, nothing of which has been changed yet. All threads of its image are stopped.
 * @param setBack Sets threads back that have executed a trap which is no longer there.
 */
export function takeOutLeftovers(tracer: Tracer, process: TracedProcess, setBack: () => void): void {
  const { image } = process;
  const mappings = readMappings(tracer.kernel, process.pid) ?? [];
  image.isSearched = true;
  takeOutCallers(tracer, image, mappings);
  for (const keeper of findKeepers(image, mappings)) {
    const leftover = readLeftover(image, keeper);
    if (leftover !== undefined) takeOut(tracer, process, leftover, mappings, setBack);
  }
}

/** Finds the pages that look like keepers. The kernel makes one mapping of those that come to lie side by side. */
function findKeepers({ memory }: Image, mappings: readonly Mapping[]): Address[] {
  const bytes = new Uint8Array(KEEPERS_LIMIT_BYTES);
  const found: Address[] = [];
  for (const { start, end, path, permissions } of mappings) {
    if (path !== "" || permissions !== "r-xp") continue;
    const length = memory.read(start, bytes.subarray(0, Math.min(end - start, bytes.length)));
    for (let at = 0; at < length; at += PAGE_BYTES) if (isKeeper(bytes, at)) found.push(toAddress(start + at));
  }
  return found;
}

function isKeeper(bytes: Uint8Array, at: number): boolean {
  return NAME.every((byte, i) => bytes[at + i] === byte);
}

function takeOut(
  tracer: Tracer,
  process: TracedProcess,
  leftover: Leftover,
  mappings: readonly Mapping[],
  setBack: () => void,
): void {
  const { image } = process;
  const { keeper, sites } = leftover;
  const ranges = ownFirst(leftover, leftover.ranges.filter((range) => isOurs(range, mappings)));
  const restored = sites.filter((site) => restore(image, site, ranges, mappings)).length;
  setBack();
  const code = ranges.filter(({ base }) => mappingAt(mappings, base)?.permissions === "r-xp");
  const isOut = [...image.threads()].map((thread) => leave(tracer, thread, sites, code)).every((isOut) => isOut);
  shedTraps(tracer, image);
  const table = tellRanges(image, leftover, ranges);
  const lowered = leftover.semaphores.filter((each) => lower(tracer, process.pid, each, mappings)).length;
  for (const each of image.processes) {
    forgetTrapAction(tracer, each, (handler) => handler >= keeper && handler < keeper + KEEPER_BYTES);
  }
  try {
    if (isOut && !mayComeBack(image, code, mappings)) unmap(tracer, image, keeper, table, ranges);
    else giveBackPages(tracer, image, ranges, mappings);
  } catch (error) {
    // The program may die on the way.
    if (!(error instanceof SystemError)) throw error;
  }
  if (restored + lowered === 0) return;
  const counted = [[restored, "instruction"], [lowered, "raised semaphore"]] as const;
  const what = counted.filter(([total]) => total > 0).map(([total, noun]) => `${total} ${noun}${total > 1 ? "s" : ""}`);
  tracer.listener.warn(
    `Process ${process.pid} still had ${what.join(" and ")} changed by an earlier tracer, which was killed: ` +
      "all is as it was again",
  );
}

/** What the table of a keeper says that begins at an address; undefined if none does. */
function readLeftover({ memory }: Image, keeper: Address): Leftover | undefined {
  const page = new Uint8Array(PAGE_BYTES);
  if (memory.read(keeper, page) < page.length) return undefined;
  if (!isKeeper(page, 0) || wordAt(page, OWN_OFFSET) !== keeper) return undefined;
  const nothing = { keeper, table: 0, sites: [], semaphores: [], ranges: [{ base: keeper, sizeBytes: KEEPER_BYTES }] };
  const table = wordAt(page, TABLE_OFFSET);
  const head = new Uint8Array(KEPT_TABLE.sites);
  if (table === 0 || memory.read(table, head) < head.length) return nothing;
  const sitesTotal = wordAt(head, KEPT_TABLE.sitesTotal);
  const semaphoresTotal = wordAt(head, KEPT_TABLE.semaphoresTotal);
  const rangesTotal = wordAt(head, KEPT_TABLE.rangesTotal);
  const { siteBytes, pairBytes } = KEPT_TABLE;
  const size = KEPT_TABLE.sites + sitesTotal * siteBytes + (semaphoresTotal + rangesTotal) * pairBytes;
  const bytes = new Uint8Array(size <= TABLE_LIMIT_BYTES ? size : 0);
  if (bytes.length === 0 || memory.read(table, bytes) < bytes.length) return nothing;
  const pairs = KEPT_TABLE.sites + sitesTotal * siteBytes;
  const pairAt = (index: number) => {
    const at = pairs + index * pairBytes;
    return [toAddress(wordAt(bytes, at)), wordAt(bytes, at + 8)] as const;
  };
  return {
    keeper,
    table,
    sites: Array.from({ length: sitesTotal }, (_, i) => siteAt(bytes, KEPT_TABLE.sites + i * siteBytes)),
    semaphores: Array.from({ length: semaphoresTotal }, (_, i) => pairAt(i)).map(([address, file]) => ({
      address,
      file,
    })),
    ranges: Array.from({ length: rangesTotal }, (_, i) => pairAt(semaphoresTotal + i)).map(([base, sizeBytes]) => ({
      base,
      sizeBytes,
    })),
  };
}

function siteAt(bytes: Uint8Array, at: number): Site {
  const original = at + KEPT_TABLE.original;
  const total = Math.min(bytes[at + KEPT_TABLE.originalTotal]!, KEPT_TABLE.originalTotal - KEPT_TABLE.original);
  return {
    address: toAddress(wordAt(bytes, at)),
    target: wordAt(bytes, at + 8),
    original: bytes.slice(original, original + total),
  };
}

/** A number of 8 bytes; 0 if it is no address. */
function wordAt(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const value = fromHalves(view.getUint32(at, true), view.getUint32(at + 4, true));
  return isAddress(value) ? value : 0;
}

function mappingAt(mappings: readonly Mapping[], address: number): Mapping | undefined {
  return mappings.find(({ start, end }) => address >= start && address < end);
}

/** Whether a range consists of memory of the kind that a tracer maps. */
function isOurs({ base, sizeBytes }: KeptRange, mappings: readonly Mapping[]): boolean {
  if (sizeBytes === 0 || base % PAGE_BYTES !== 0 || sizeBytes % PAGE_BYTES !== 0) return false;
  for (let at: number = base; at < base + sizeBytes;) {
    const mapping = mappingAt(mappings, at);
    if (mapping === undefined || !(mapping.path === "" || mapping.path === PADS_FILE)) return false;
    at = mapping.end;
  }
  return true;
}

/** Restores the original of a site, if a trap or a jump of the tracer's is there. Returns whether it was. */
function restore(
  { isa, memory, text }: Image,
  { address, original }: Site,
  ranges: readonly KeptRange[],
  mappings: readonly Mapping[],
): boolean {
  const mapping = mappingAt(mappings, address);
  const actual = new Uint8Array(original.length);
  if (mapping?.permissions[2] !== "x" || mapping.permissions[3] !== "p" || isIn(ranges, address)) return false;
  if (actual.length === 0 || memory.read(address, actual) < actual.length) return false;
  if (isa.trap.every((byte, i) => actual[i] === byte)) return text.write(address, original.slice(0, isa.trap.length));
  if (actual.length < 5 || actual[0] !== JUMP) return false;
  const target = address + 5 + new DataView(actual.buffer).getInt32(1, true);
  return isIn(ranges, target) && text.write(address, original);
}

function isIn(ranges: readonly KeptRange[], address: number): boolean {
  return ranges.some(({ base, sizeBytes }) => address >= base && address < base + sizeBytes);
}

/** Brings a thread out of what is to be unmapped. Returns whether it is outside. */
function leave(tracer: Tracer, thread: Thread, sites: readonly Site[], code: readonly KeptRange[]): boolean {
  if (thread.state === "ended") return true;
  if (thread.state !== "stopped" || !tracer.stop.loadRegisters(thread)) return false;
  const { image } = thread.process;
  const pc = tracer.stop.getPc(image);
  if (!isIn(code, pc)) return true;
  const site = sites.find(({ target }) => pc >= target && pc < target + image.isa.slotBytes);
  const point = site && resumePoint(image, site, pc);
  if (point === undefined) return stepOut(tracer, thread, (pc) => isIn(code, pc));
  image.slots.applyResumePoint(point, tracer.stop.registers);
  tracer.stop.putBackRegisters(thread);
  return true;
}

/** What a place in the slot of a site means, if the slot is as it would be made now. */
function resumePoint({ isa, memory }: Image, { address, target }: Site, pc: number) {
  const code = new Uint8Array(isa.longestBytes);
  const length = memory.read(address, code);
  const instruction = isa.decode(code.subarray(0, length), 0, address);
  const displacement = instruction && isa.displace(instruction, code, toAddress(target));
  if (displacement === undefined) return undefined;
  const actual = new Uint8Array(displacement.code.length);
  if (memory.read(target, actual) < actual.length) return undefined;
  if (!displacement.code.every((byte, i) => actual[i] === byte)) return undefined;
  return displacement.resume.findLast(({ offset }) => offset <= pc - target);
}

/** Lowers a semaphore, if the file is still mapped there. Returns whether it was. */
function lower(
  { kernel }: Tracer,
  pid: number,
  { address, file }: Leftover["semaphores"][number],
  mappings: readonly Mapping[],
): boolean {
  const mapping = mappingAt(mappings, address);
  const bytes = new Uint8Array(2);
  if (mapping === undefined || fileNumber(mapping.file) !== file) return false;
  if (kernel.call.ft_read_memory(pid, address, bytes, bytes.length) !== bytes.length) return false;
  const view = new DataView(bytes.buffer);
  const value = view.getUint16(0, true);
  if (value === 0) return false;
  view.setUint16(0, value - 1, true);
  return kernel.call.ft_write_memory(pid, address, bytes, bytes.length) === bytes.length;
}

/** Whether memory that the program may write holds an address in some ranges, as far as can be known. */
function mayComeBack({ memory }: Image, code: readonly KeptRange[], mappings: readonly Mapping[]): boolean {
  const writable = mappings.filter(({ path, permissions }) => permissions.startsWith("rw") && path !== PADS_FILE);
  const size = writable.reduce((sum, { start, end }) => sum + end - start, 0);
  if (size > SEARCH_LIMIT_BYTES) return true;
  const words = new Uint32Array(READ_BYTES / 4);
  const bytes = new Uint8Array(words.buffer);
  const first = Math.min(...code.map(({ base }) => base));
  const end = Math.max(...code.map(({ base, sizeBytes }) => base + sizeBytes));
  for (const mapping of writable) {
    for (let at: number = mapping.start, length = 0; at < mapping.end; at += Math.max(length, PAGE_BYTES)) {
      // A page that cannot be read, such as one that guards a stack (madvise(2), MADV_GUARD_INSTALL), may have others behind it.
      length = memory.read(at, bytes.subarray(0, Math.min(READ_BYTES, mapping.end - at)));
      for (let i = 0; i < length / 4; i += 2) {
        const value = words[i]! + words[i + 1]! * 2 ** 32;
        if (value >= first && value < end && isIn(code, value)) return true;
      }
    }
  }
  return false;
}

/** Puts the ranges first that hold a keeper and its table, in which the others are told. */
function ownFirst({ keeper, table }: Leftover, ranges: readonly KeptRange[]): readonly KeptRange[] {
  const isOwn = (range: KeptRange) => isIn([range], keeper) || isIn([range], table);
  return [...ranges.filter(isOwn), ...ranges.filter((range) => !isOwn(range))];
}

/** Has the table of a keeper say nothing but what is mapped. Returns where it is then; 0 if there is none. */
function tellRanges(image: Image, { keeper, table }: Leftover, ranges: readonly KeptRange[]): Address | 0 {
  const room = ranges.find((range) => isIn([range], table));
  // Half of the room is free, and has space for what is shorter.
  const next = room && toAddress(room.base + (table === room.base ? room.sizeBytes / 2 : 0));
  const isTold = next !== undefined && image.text.write(next, encodeTable({ sites: [], semaphores: [], ranges })) &&
    image.text.write(toAddress(keeper + TABLE_OFFSET), wordOf(next));
  if (!isTold) image.text.write(toAddress(keeper + TABLE_OFFSET), wordOf(0));
  return isTold ? next : 0;
}

/** Gives the pages of counters and records back, in ranges that have to stay mapped. */
function giveBackPages(
  tracer: Tracer,
  image: Image,
  ranges: readonly KeptRange[],
  mappings: readonly Mapping[],
): void {
  for (const range of ranges) {
    if (mappingAt(mappings, range.base)?.path === PADS_FILE) call(tracer, image, "madvise", range, MADV_REMOVE);
  }
}

/** Unmaps ranges, the last first, each when it is out of the table. The first are those of the keeper itself. */
function unmap(
  tracer: Tracer,
  image: Image,
  keeper: Address,
  table: Address | 0,
  ranges: readonly KeptRange[],
): void {
  for (let left = ranges.length - 1; left >= 0; left--) {
    const range = ranges[left]!;
    if (table !== 0 && isIn([range], table)) image.text.write(toAddress(keeper + TABLE_OFFSET), wordOf(0));
    else if (table !== 0 && left > 1) image.text.write(toAddress(table + KEPT_TABLE.rangesTotal), wordOf(left));
    call(tracer, image, "munmap", range);
  }
}

/** Makes a system call in the name of the program for a range. */
function call(
  tracer: Tracer,
  image: Image,
  name: "madvise" | "munmap",
  { base, sizeBytes }: KeptRange,
  ...more: readonly number[]
): void {
  const thread = findCaller(image);
  if (thread !== undefined) {
    remoteCall(tracer, thread, image.isa.registers.systemCalls[name], [base, sizeBytes, ...more]);
  }
}

/** Takes callers out of the ends of texts. */
function takeOutCallers(tracer: Tracer, image: Image, mappings: readonly Mapping[]): void {
  const { isa, text } = image;
  if (isa.keeper === undefined) return;
  for (const { end, path, permissions } of mappings) {
    if (!path.startsWith("/") || permissions !== "r-xp") continue;
    const place = callerPlaceBefore(end, isa.keeper);
    if (!isCallerAt(image, place, isa.keeper)) continue;
    const isInside = (pc: number) => pc >= place && pc < end;
    const isOut = [...image.threads()].map((thread) => stepOut(tracer, thread, isInside)).every((isOut) => isOut);
    const range = { base: place, sizeBytes: end - place };
    if (isOut && !mayComeBack(image, [range], mappings)) text.write(place, new Uint8Array(end - place));
  }
}
