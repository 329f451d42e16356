/**
 * Mapping the memory for pads in a target, and what pads share with the tracer.
 *
 * *Method.* By system calls in the name of a stopped thread (`remote_call.ts`), once for each image:
 *
 * 1. a private page that is wiped in children of fork(2), with the word that says whether pads do anything;
 * 2. a file in memory, as large as the counters and rings of all CPUs; only the pages that are used cost anything;
 * 3. the file mapped, and a duplicate of its descriptor fetched by the tracer; then the target's is closed.
 *
 * All threads are stopped meanwhile, so that no other one can make use of the descriptor, or inherit it.
 *
 * *Refusals.* What the target may not do is found out beforehand where trying would do harm: a seccomp filter may kill for
 * these calls, a limit of the size of files is told by a signal, and a program whose address space is limited would miss what pads
 * take of it.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import { type Address, isAddress, toAddress } from "../address.ts";
import { SystemError } from "../errors.ts";
import type { Instruction } from "../isa/isa.ts";
import {
  CELL_BYTES,
  type CountAction,
  type JumpWindow,
  type PadAction,
  type RecordAction,
  type RingLayout,
} from "../isa/jumps.ts";
import { mindsFaults } from "./capture_faults.ts";
import { PadArea } from "./pad_area.ts";
import { freeCounters, takeTally, type TallyWish } from "./pad_tallies.ts";
import type { KeptRange } from "./keeper.ts";
import { type Pad, type Pads, RANGE_BYTES } from "./pads.ts";
import {
  AT_HWCAP2,
  type Mapping,
  readAuxiliary,
  readHeapStart,
  readMappings,
  readStatus,
  readText,
} from "./proc_files.ts";
import type { Image, Thread } from "./process.ts";
import {
  MADV_NOHUGEPAGE,
  MADV_WIPEONFORK,
  MAP_ANONYMOUS,
  MAP_FIXED_NOREPLACE,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  MFD_CLOEXEC,
  PR_GET_TSC,
  PR_TSC_SIGSEGV,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from "./ptrace.ts";
import { allowsCalls, findCaller, remoteCall } from "./remote_call.ts";
import type { Tracer } from "./tracer.ts";

/** The size of what one CPU has, in bytes: 262,144 counters, and a ring with the longest record behind its end. */
const AREA_BYTES = 1 << 23;
const RING: RingLayout = {
  headOffset: 1 << 21,
  tailOffset: (1 << 21) + CELL_BYTES,
  cellsOffset: (1 << 21) + 4096,
  cellsTotal: 1 << 16,
};
/** Where the pages are noted that could be read: behind the cells and the longest record. 4096 of them are 16 MiB. */
const PAGES = { pagesOffset: 7 << 20, pagesTotal: 4096 };
/** The most areas; CPUs beyond share them. */
const AREAS_LIMIT = 256;
const PAGE_BYTES = 4096;
/** Where in the private page the name of the file is. */
const NAME_OFFSET = 64;
/** Those that the kernel trusts, with blanks between them (Documentation/ABI/testing/sysfs-devices-system-clocksource). */
const CLOCK_SOURCES = "/sys/devices/system/clocksource/clocksource0/available_clocksource";
/** How much is written at once at most, in bytes. */
const WRITE_BYTES = 1 << 16;
/** How many times as much address space as pads take has to be left to a program whose address space is limited. */
const SPARE_FACTOR = 16;
/** How many gaps are tried for a range. */
const TRIES_LIMIT = 4;

/** Why there can be no pad that needs so many counters. */
export const COUNTERS_FULL = "there are too many counters";

/** What is wanted of the hits of a pad. */
export type PadWish =
  | Pick<CountAction, "kind" | "leaving">
  | Pick<RecordAction, "kind" | "leaving" | "values" | "captures">
  | TallyWish;

/**
 * Makes a pad, mapping memory for it if there is none that its jump reaches. It still has to be written. All threads of the
 * image must be stopped.
 *
 * @param tracer The tracer.
 * @param image The image.
 * @param mappings Its mappings, ascending, to which those are added that are made.
 * @param instruction The instruction of its site.
 * @param windows What its jump may take the place of, best first.
 * @param wish What it is to do at a hit.
 * @returns The pad; a string if there can be none says why, as the end of a sentence.
 */
export function makeWantedPad(
  tracer: Tracer,
  image: Image,
  mappings: Mapping[],
  instruction: Instruction,
  windows: Iterable<JumpWindow>,
  wish: PadWish,
): Pad | string {
  const { pads } = image;
  const area = pads.area ?? provideArea(tracer, image);
  if (area === undefined) return pads.refused ?? "its memory cannot be had";
  if (wish.kind === "record" && area.recording === undefined) {
    pads.recordsRefused ??= startRecording(tracer, image, area);
    if (pads.recordsRefused !== undefined) return pads.recordsRefused;
  }
  if (!area.readsMemory && readsMemory(image, wish)) {
    area.readsMemory = true;
    if (mindsFaults(tracer, image)) area.distrust();
  }
  const action = takeAction(area, wish);
  if (action === undefined) return COUNTERS_FULL;
  let reason = "there is no memory that a jump reaches";
  for (const window of windows) {
    let pad = pads.allocate(instruction, window, area, action);
    if (pad === undefined && attempt(() => mapRange(tracer, image, mappings, window))) {
      pad = pads.allocate(instruction, window, area, action);
    }
    if (pad !== undefined && typeof pad !== "string") return pad;
    reason = pad ?? reason;
  }
  freeCounters(area, action);
  return reason;
}

/** Takes what a pad needs of the areas; undefined if there is not so much. */
function takeAction(area: PadArea, wish: PadWish): PadAction | undefined {
  if (wish.kind === "tally") return takeTally(area, wish);
  const counterOffset = area.takeCounters();
  if (counterOffset === undefined) return undefined;
  return wish.kind === "count" ? { ...wish, counterOffset } : { ...wish, counterOffset, site: area.takeSite() };
}

/** Whether a pad would read memory of the program that need not be readable. */
function readsMemory({ isa }: Image, wish: PadWish): boolean {
  if (wish.kind !== "record") return false;
  const { captures, values } = wish;
  return captures !== undefined ||
    (typeof values !== "string" && values.some((one) => isa.jumps?.records?.mayFault(one)));
}

/** Prepares for records. Returns why there can be none. */
function startRecording(tracer: Tracer, image: Image, area: PadArea): string | undefined {
  const { kernel } = tracer;
  const writer = image.isa.jumps?.records;
  const flags = readCpuFlags(kernel);
  const missing = writer?.cpuFlags.filter((flag) => !flags.includes(flag)) ?? [];
  if (writer === undefined || missing.length > 0) return `the CPU has no ${missing.join(", ") || "such jumps"}`;
  const capabilities = readAuxiliary(kernel, image.pid).get(AT_HWCAP2) ?? 0;
  if ((capabilities & writer.capabilities) !== writer.capabilities) {
    return "the kernel does not let it tell its threads";
  }
  const trusted = readText(kernel, CLOCK_SOURCES)?.trim().split(" ");
  if (trusted !== undefined && !trusted.includes(writer.clockSource)) {
    return "the kernel does not trust the clock of the CPU";
  }
  if (isClockForbidden(tracer, image, area)) return "it may not read the clock of the CPU";
  return attempt(() => area.record(image, writer)) ? undefined : "the clock of the CPU cannot be read";
}

/** Whether the program has forbidden itself to read the clock: PR_SET_TSC of prctl(2), which is passed on to new threads. */
function isClockForbidden(tracer: Tracer, image: Image, { enabled }: PadArea): boolean {
  const thread = findCaller(image);
  const place = toAddress(enabled + NAME_OFFSET);
  const mode = new Uint8Array(4);
  if (thread === undefined) return false;
  // Where there is no such thing the call fails.
  const result = remoteCall(tracer, thread, image.isa.registers.systemCalls.prctl, [PR_GET_TSC, place]);
  return result === 0 && image.memory.read(place, mode) === mode.length && mode[0] === PR_TSC_SIGSEGV;
}

/** The features of the CPU. */
function readCpuFlags(kernel: Kernel): readonly string[] {
  return /^(?:flags|Features)\s*:(.*)$/m.exec(readText(kernel, "/proc/cpuinfo") ?? "")?.[1]?.split(" ") ?? [];
}

/**
 * Reads the mappings of a process, with an empty one where its heap is to be, if it has none yet.
 *
 * @param kernel The kernel's requests.
 * @param pid The process.
 * @returns The mappings, ascending; none if they cannot be read.
 */
export function readMappingsAndHeap(kernel: Kernel, pid: number): Mapping[] {
  const mappings = readMappings(kernel, pid) ?? [];
  const heap = readHeapStart(kernel, pid);
  if (heap === undefined || mappings.length === 0 || mappings.some(({ path }) => path === "[heap]")) return mappings;
  const index = mappings.findIndex(({ start }) => start > heap);
  return mappings.toSpliced(index < 0 ? mappings.length : index, 0, {
    ...mappings[0]!,
    ...{ start: heap, end: heap, path: "[heap]", permissions: "rw-p" },
  });
}

/**
 * Writes pads, those that lie beside each other in one request, with zeros in what is free between them.
 *
 * @param image The image.
 * @param pads The pads, to which nothing leads yet.
 * @returns Those that could not be written.
 */
export function writePads(image: Image, pads: readonly Pad[]): Pad[] {
  const sorted = [...pads].sort((a, b) => a.address - b.address);
  const unwritten: Pad[] = [];
  for (let begin = 0, end; begin < sorted.length; begin = end) {
    const { address } = sorted[begin]!;
    for (end = begin + 1; end < sorted.length && isBeside(image.pads, sorted[end - 1]!, sorted[end]!, address); end++);
    const run = sorted.slice(begin, end);
    const bytes = new Uint8Array(endOf(run.at(-1)!) - address);
    for (const pad of run) bytes.set(pad.takeCode(), pad.address - address);
    if (!image.text.write(address, bytes)) unwritten.push(...run);
  }
  return unwritten;
}

function endOf({ address, sizeBytes }: Pad): number {
  return address + sizeBytes;
}

/** Whether nothing else is between two pads, not even a page, and both can be written together with what begins at an address. */
function isBeside(pads: Pads, pad: Pad, next: Pad, from: number): boolean {
  return next.address - endOf(pad) < PAGE_BYTES && endOf(next) - from <= WRITE_BYTES && pads.areBeside(pad, next);
}

/**
 * Unmaps everything of the pads of an image. All its threads must be stopped outside of them.
 *
 * @param tracer The tracer.
 * @param image The image.
 */
export function unmapPads(tracer: Tracer, image: Image): void {
  const ranges = rangesOf(image.pads);
  const thread = ranges.length === 0 ? undefined : findCaller(image);
  if (thread === undefined) return;
  const { munmap } = image.isa.registers.systemCalls;
  for (const { base, sizeBytes } of ranges) remoteCall(tracer, thread, munmap, [base, sizeBytes]);
  image.pads.clear();
}

/**
 * Lists what is mapped for pads.
 *
 * @param pads The pads.
 * @returns The ranges: the pads themselves, then what they share with the tracer.
 */
export function rangesOf({ area, ranges }: Pads): KeptRange[] {
  if (area === undefined) return [...ranges];
  return [
    ...ranges,
    { base: area.areas, sizeBytes: area.sizeBytes },
    { base: area.enabled, sizeBytes: PAGE_BYTES },
  ];
}

/** What the pads of an image share with the tracer, made at the first call. */
function provideArea(tracer: Tracer, image: Image): PadArea | undefined {
  const { pads } = image;
  if (pads.refused !== undefined) return undefined;
  pads.refused = findObstacle(tracer, image);
  const thread = findCaller(image);
  if (pads.refused !== undefined || thread === undefined) return undefined;
  try {
    pads.area = makeArea(tracer, thread);
    pads.mayScatter = mayScatter(tracer, image.pid);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    pads.refused = `it may not share memory with the tracer (${error.request}: ${error.errno})`;
  }
  return pads.area;
}

/** Why the pads of an image cannot be had, as far as that is known without trying. */
function findObstacle(tracer: Tracer, { isa, pid }: Image): string | undefined {
  const { kernel } = tracer;
  const flags = readCpuFlags(kernel);
  const missing = (isa.jumps?.cpuFlags ?? []).filter((flag) => !flags.includes(flag));
  if (isa.jumps === undefined || missing.length > 0) return `the CPU has no ${missing.join(", ") || "such jumps"}`;
  if (!allowsCalls(kernel, pid)) return "its seccomp filter may forbid to map memory";
  if (readStatus(kernel, pid)?.hasShadowStack) return "it has a shadow stack";
  const limits = readText(kernel, `/proc/${pid}/limits`) ?? "";
  const limitOf = (name: string) => {
    const limit = new RegExp(`^${name}\\s+(\\S+)`, "m").exec(limits)?.[1];
    return limit === "unlimited" ? Infinity : Number(limit ?? 0);
  };
  const sizeBytes = countAreas(tracer) * AREA_BYTES;
  if (limitOf("Max file size") < sizeBytes) return "it may not make files of that size";
  const mapped = readMappings(kernel, pid)?.reduce((sum, { start, end }) => sum + end - start, 0) ?? 0;
  const spareBytes = limitOf("Max address space") - mapped;
  if (spareBytes < SPARE_FACTOR * (sizeBytes + RANGE_BYTES)) return "its address space is limited";
  return undefined;
}

/** How many areas there have to be: one for each CPU that there can be, rounded up to a power of two. */
function countAreas({ kernel }: Tracer): number {
  const last = /(\d+)\s*$/.exec(readText(kernel, "/sys/devices/system/cpu/possible") ?? "")?.[1];
  const cpus = Number(last ?? 0) + 1;
  return Math.min(2 ** Math.ceil(Math.log2(cpus)), AREAS_LIMIT);
}

function makeArea(tracer: Tracer, thread: Thread): PadArea {
  const { munmap } = thread.process.image.isa.registers.systemCalls;
  const mapped: KeptRange[] = [];
  try {
    return shareArea(tracer, thread, mapped);
  } catch (error) {
    for (const { base, sizeBytes } of mapped) attempt(() => void remoteCall(tracer, thread, munmap, [base, sizeBytes]));
    throw error;
  }
}

/** Has the target make what it shares with the tracer, and adds to a list what is mapped in it. */
function shareArea(tracer: Tracer, thread: Thread, mapped: KeptRange[]): PadArea {
  const { kernel } = tracer;
  const { process: { pid, image } } = thread;
  const { mmap, madvise, memfdCreate, ftruncate, close } = image.isa.registers.systemCalls;
  const call = (request: string, number: number, parameters: readonly number[]) =>
    kernel.check(remoteCall(tracer, thread, number, parameters), request, `process ${pid}`);
  const areasTotal = countAreas(tracer);
  const sizeBytes = areasTotal * AREA_BYTES;
  const page = toAddress(
    call("mmap", mmap, [0, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0]),
  );
  mapped.push({ base: page, sizeBytes: PAGE_BYTES });
  call("madvise", madvise, [page, PAGE_BYTES, MADV_WIPEONFORK]);
  const contents = new Uint8Array(PAGE_BYTES);
  contents[0] = 1;
  contents.set(new TextEncoder().encode("fasttrap"), NAME_OFFSET);
  if (!image.text.write(page, contents)) throw new SystemError("EFAULT", "write the memory of", `process ${pid}`);
  const fd = call("memfd_create", memfdCreate, [page + NAME_OFFSET, MFD_CLOEXEC]);
  try {
    call("ftruncate", ftruncate, [fd, sizeBytes]);
    const areas = toAddress(call("mmap", mmap, [0, sizeBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0]));
    mapped.push({ base: areas, sizeBytes });
    const own = fetchDescriptor(tracer, pid, fd);
    try {
      return new PadArea(kernel, own, {
        enabled: page,
        areas,
        areasTotal,
        areaBytes: AREA_BYTES,
        ring: RING,
        pages: { ...PAGES, cpuFlags: readCpuFlags(kernel) },
      });
    } finally {
      kernel.call.ft_close(own);
    }
  } finally {
    remoteCall(tracer, thread, close, [fd]);
  }
}

function fetchDescriptor({ kernel }: Tracer, pid: number, fd: number): number {
  const pidfd = kernel.check(kernel.call.ft_pidfd_open(pid), "pidfd_open", `process ${pid}`);
  try {
    return kernel.check(kernel.call.ft_pidfd_getfd(pidfd, fd), "pidfd_getfd", `process ${pid}`);
  } finally {
    kernel.call.ft_close(pidfd);
  }
}

/**
 * Whether many ranges would do no harm: the address space is not limited, and the program does not lock what is mapped into
 * memory (mlockall(2)).
 */
function mayScatter({ kernel }: Tracer, pid: number): boolean {
  return /^Max address space\s+unlimited/m.test(readText(kernel, `/proc/${pid}/limits`) ?? "") &&
    /^VmLck:\s+0 kB/m.test(readText(kernel, `/proc/${pid}/status`) ?? "");
}

/** Has the target map a range that the jump of a window reaches. */
function mapRange(tracer: Tracer, image: Image, mappings: Mapping[], window: JumpWindow): boolean {
  const thread = findCaller(image);
  if (thread === undefined) return false;
  const { mmap, munmap, madvise } = image.isa.registers.systemCalls;
  for (let tries = 0; tries < TRIES_LIMIT; tries++) {
    const gap = image.pads.findGap(mappings, window);
    if (gap === undefined) return false;
    const { base, sizeBytes } = gap;
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    const got = remoteCall(tracer, thread, mmap, [base, sizeBytes, PROT_READ | PROT_EXEC, flags, -1, 0]);
    mappings.push({ ...mappings[0]!, start: base, end: (base + sizeBytes) as Address, path: "" });
    mappings.sort((a, b) => a.start - b.start);
    if (got === base) {
      // A page of 2 MiB for a single pad would be too much. A kernel without them refuses, which is as good.
      remoteCall(tracer, thread, madvise, [base, sizeBytes, MADV_NOHUGEPAGE]);
      image.pads.add(gap, window);
      return true;
    }
    if (isAddress(got)) remoteCall(tracer, thread, munmap, [got, sizeBytes]);
  }
  return false;
}

/** Tries something in the target, which may die on the way. Returns whether it was done. */
function attempt(action: () => boolean | void): boolean {
  try {
    return action() ?? true;
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return false;
  }
}
