/**
 * Bringing a keeper into a program, telling it what is in the text, and taking it out.
 *
 * *Method.* System calls in the name of a stopped thread (`remote_call.ts`) map the page and the room for tables; what is in
 * them is written as text is. The handler is installed by whoever looks after the action of SIGTRAP (`trap_action.ts`),
 * and only where the program has none of its own.
 *
 * @module
 */

import { type Address, isAddress, toAddress } from "../address.ts";
import { SystemError } from "../errors.ts";
import { KEPT_TABLE } from "../isa/keeper.ts";
import { encodeTable, Keeper, KEEPER_BYTES, type KeptRange, type KeptSite, TABLE_OFFSET, wordOf } from "./keeper.ts";
import { rangesOf } from "./pad_memory.ts";
import { readStatus } from "./proc_files.ts";
import type { Image } from "./process.ts";
import { MADV_DONTDUMP, MAP_ANONYMOUS, MAP_NORESERVE, MAP_PRIVATE, PROT_EXEC, PROT_READ } from "./ptrace.ts";
import { allowsCalls, findCaller, remoteCall } from "./remote_call.ts";
import type { Tracer } from "./tracer.ts";
import { guardProcesses } from "./trap_action.ts";

/**
 * Gives a program a keeper, unless it has one, or dies with its tracer, or can have none. All threads of the image must be
 * stopped.
 *
 * @param tracer The tracer, whose registers are free to be used.
 * @param image The image.
 */
export function provideKeeper(tracer: Tracer, image: Image): void {
  const installer = image.isa.keeper;
  if (image.keeperTried || !image.outlivesTracer || installer === undefined) return;
  image.keeperTried = true;
  // A handler that returns to another place than it was called from is what a shadow stack is against.
  if (!allowsCalls(tracer.kernel, image.pid) || readStatus(tracer.kernel, image.pid)?.hasShadowStack) return;
  try {
    const base = map(tracer, image, KEEPER_BYTES, PROT_READ | PROT_EXEC);
    const thread = findCaller(image);
    if (base === undefined || thread === undefined) return;
    // A later tracer looks for it near the beginning of mappings: pads, which may be there too, are dumped.
    remoteCall(tracer, thread, image.isa.registers.systemCalls.madvise, [base, KEEPER_BYTES, MADV_DONTDUMP]);
    const keeper = new Keeper(installer, base);
    if (!image.text.write(base, keeper.page())) return;
    image.keeper = keeper;
    guardProcesses(tracer, image);
  } catch (error) {
    // The program may die on the way.
    if (!(error instanceof SystemError)) throw error;
  }
}

/**
 * Tells the keeper of an image, if there is one, what is in the text and what is about to be written. All threads of the
 * image must be stopped.
 *
 * @param tracer The tracer, whose registers are free to be used.
 * @param image The image.
 * @param coming The sites that are about to be written.
 */
export function publishSites(tracer: Tracer, image: Image, coming: readonly KeptSite[] = []): void {
  const { keeper } = image;
  if (keeper === undefined) return;
  try {
    publish(tracer, image, keeper, coming);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
}

/**
 * Unmaps the keeper of an image. No trap is in its text, and no action leads to the handler any more. All its threads must be
 * stopped.
 *
 * @param tracer The tracer.
 * @param image The image.
 */
export function unmapKeeper(tracer: Tracer, image: Image): void {
  const { keeper } = image;
  const thread = keeper === undefined ? undefined : findCaller(image);
  if (keeper === undefined || thread === undefined) return;
  image.keeper = undefined;
  for (const { base, sizeBytes } of keeper.ranges) {
    remoteCall(tracer, thread, image.isa.registers.systemCalls.munmap, [base, sizeBytes]);
  }
}

/**
 * Has the keeper of an image, if there is one, know of nothing any more.
 *
 * @param image The image.
 */
export function clearTable({ keeper, text }: Image): void {
  if (keeper !== undefined) text.write(toAddress(keeper.base + TABLE_OFFSET), wordOf(0));
}

/** Makes places of their own of the traps at sites that lie behind their jumps: the table has room for a jump only. */
function splitJumps(sites: Map<Address, KeptSite>, trapBytes: number): void {
  const jumpBytes = KEPT_TABLE.originalTotal - KEPT_TABLE.original;
  for (const site of [...sites.values()]) {
    const { address, original } = site;
    if (original.length <= jumpBytes) continue;
    const behind = toAddress(address + original.length - trapBytes);
    sites.set(address, { ...site, original: original.subarray(0, jumpBytes) });
    sites.set(behind, {
      address: behind,
      target: sites.get(behind)?.target,
      original: original.subarray(original.length - trapBytes),
    });
  }
}

function publish(tracer: Tracer, image: Image, keeper: Keeper, coming: readonly KeptSite[]): void {
  for (const { address, target } of coming) {
    if (target !== undefined) keeper.targets.set(address, target);
    else keeper.targets.delete(address);
  }
  const sites = new Map<Address, KeptSite>();
  for (const site of image.text.sites()) {
    sites.set(site.address, { ...site, target: keeper.targets.get(site.address) });
  }
  for (const site of [...image.pads.innerSites(), ...coming]) sites.set(site.address, site);
  splitJumps(sites, image.isa.trap.length);
  for (const address of keeper.targets.keys()) if (!sites.has(address)) keeper.targets.delete(address);
  const old = keeper.room;
  const contents = () => ({
    sites: [...sites.values()],
    semaphores: image.semaphores.raised(),
    ranges: [...image.slots.ranges, ...rangesOf(image.pads), ...keeper.ranges],
  });
  let table = encodeTable(contents());
  const wanted = keeper.roomWanted(table.length + 16);
  if (wanted !== undefined) {
    const base = map(tracer, image, wanted, PROT_READ);
    if (base === undefined) throw new SystemError("ENOMEM", "map memory in", `process ${image.pid}`);
    keeper.room = { base, sizeBytes: wanted };
    table = encodeTable(contents());
  }
  const at = keeper.nextTable();
  if (!image.text.write(at, table) || !image.text.write(toAddress(keeper.base + TABLE_OFFSET), wordOf(at))) {
    throw new SystemError("EIO", "write the memory of", `process ${image.pid}`);
  }
  if (wanted !== undefined && old !== undefined) unmap(tracer, image, old);
}

function map(tracer: Tracer, image: Image, sizeBytes: number, protection: number): Address | undefined {
  const thread = findCaller(image);
  if (thread === undefined) return undefined;
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  const got = remoteCall(tracer, thread, image.isa.registers.systemCalls.mmap, [
    0,
    sizeBytes,
    protection,
    flags,
    -1,
    0,
  ]);
  return isAddress(got) ? got : undefined;
}

function unmap(tracer: Tracer, image: Image, { base, sizeBytes }: KeptRange): void {
  const thread = findCaller(image);
  if (thread !== undefined) {
    remoteCall(tracer, thread, image.isa.registers.systemCalls.munmap, [base, sizeBytes]);
  }
}
