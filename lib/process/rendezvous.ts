/**
 * What the dynamic linker tells a debugger: which objects are loaded, where, in which link map, and when that changes.
 *
 * *Problem.* `/proc/PID/maps` says which files are mapped, but not when a dlopen(3) has finished, nor which mappings of
 * a file that is mapped twice belong together: dlmopen(3) loads a second libc beside the first, in a list of its own.
 *
 * *Method.* The linker keeps a structure for this, `r_debug` (link.h), which has the list of objects (`link_map`), a
 * state, and the address of an empty function that it calls before and after each change of the list. The program's
 * dynamic section leads there (`DT_DEBUG`), and the kernel says where the program's headers are (auxv of proc(5)). Until
 * the linker has run, that entry is 0; the function is then the symbol `_dl_debug_state` of the linker, which is the
 * object at `AT_BASE`.
 *
 * *Link maps.* Since 2.35 glibc chains the structures of all link maps (`r_version` 2, `r_next`), in the order in which
 * their numbers were given. Older versions, and musl, tell of the first one only.
 *
 * *States.* `RT_ADD` and `RT_DELETE` mean that a change is under way, `RT_CONSISTENT` that it is over. At that moment
 * glibc has mapped an object and not relocated it yet; musl has relocated it. Neither has run any code of it.
 *
 * *What is believed.* It is memory of the target, which may have written anything there: lists have a limit and may
 * end anywhere.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import { type Address, isAddress } from "../address.ts";
import { DT_DEBUG, DT_NULL, PT_DYNAMIC, PT_LOAD, PT_PHDR } from "../object/elf_constants.ts";
import { getUint64, headerSizes, parseSegment, type Segment, TRACED_LAYOUT } from "../object/elf_headers.ts";
import type { TargetMemory } from "./memory.ts";
import type { Image } from "./process.ts";
import { readAuxiliary } from "./proc_files.ts";

const SEGMENT_BYTES = headerSizes(TRACED_LAYOUT).segment;

/** Entries of the auxiliary vector (getauxval(3)): the program's headers, their number, and the linker's address. */
const AT_PHDR = 3;
const AT_PHNUM = 5;
const AT_BASE = 7;

const RT_CONSISTENT = 0;
/** `r_version` from which on `r_next` is there. */
const CHAINED_VERSION = 2;
/** The sizes of `r_debug` with `r_next`, and of the public part of `link_map`, in bytes. */
const R_DEBUG_BYTES = 48;
const LINK_MAP_BYTES = 40;
const DYNAMIC_ENTRY_BYTES = 16;

/** How much of what the target keeps is believed: entries of a dynamic section, objects and link maps. */
const DYNAMIC_LIMIT = 4096;
const OBJECTS_LIMIT = 65536;
const LINK_MAPS_LIMIT = 64;
const SEGMENTS_LIMIT = 1024;
/** `e_phoff` of every linker's output: the headers follow the ELF header. */
const HEADER_BYTES = 64;

/** An object that the dynamic linker has loaded. */
export interface LinkedObject {
  /** The number of its link map, 0 for the first. */
  readonly linkMap: number;
  /** What was added to the addresses of its file. */
  readonly bias: number;
}

/** What the dynamic linker tells at one moment. */
export interface LinkerState {
  /** Whether no change is under way. */
  readonly consistent: boolean;
  /** The objects, link map by link map. */
  readonly objects: readonly LinkedObject[];
}

/** The dynamic linker of one memory image. */
export class Rendezvous {
  /** Where the linker was loaded; 0 if the program is the linker, or has none. */
  readonly linkerBase: number;
  readonly #memory: TargetMemory;
  /** Where the program's dynamic section is; undefined if it has none. */
  readonly #dynamic: number | undefined;

  /**
   * Looks where a process has its dynamic linker.
   *
   * @param kernel The kernel's requests.
   * @param image The memory of the process's present program.
   */
  constructor(kernel: Kernel, image: Image) {
    this.#memory = image.memory;
    const auxiliary = readAuxiliary(kernel, image.pid);
    this.linkerBase = auxiliary.get(AT_BASE) ?? 0;
    this.#dynamic = this.#findDynamic(auxiliary.get(AT_PHDR) ?? 0, auxiliary.get(AT_PHNUM) ?? 0);
  }

  /** The function that the linker calls before and after each change (`r_brk`); undefined if it has not said so yet. */
  get notifier(): Address | undefined {
    const at = this.#debugAddress();
    const view = at && this.#read(at, R_DEBUG_BYTES);
    const value = view ? getUint64(view, 16) : 0;
    return isAddress(value) && value !== 0 ? value : undefined;
  }

  /**
   * Reads the lists.
   *
   * @returns What they say; without any list that nothing is loaded, and nothing under way.
   */
  read(): LinkerState {
    const objects: LinkedObject[] = [];
    let consistent = true;
    let at = this.#debugAddress() ?? 0;
    for (let linkMap = 0; at !== 0 && linkMap < LINK_MAPS_LIMIT; linkMap++) {
      const view = this.#read(at, R_DEBUG_BYTES);
      if (view === undefined) break;
      consistent &&= view.getInt32(24, true) === RT_CONSISTENT;
      this.#readObjects(getUint64(view, 8), linkMap, objects);
      at = view.getInt32(0, true) >= CHAINED_VERSION ? getUint64(view, 40) : 0;
    }
    return { consistent, objects };
  }

  #readObjects(first: number, linkMap: number, into: LinkedObject[]): void {
    for (let at = first; at !== 0 && into.length < OBJECTS_LIMIT;) {
      const view = this.#read(at, LINK_MAP_BYTES);
      if (view === undefined) return;
      into.push({ linkMap, bias: getUint64(view, 0) });
      at = getUint64(view, 24);
    }
  }

  /** The value of `DT_DEBUG`. */
  #debugAddress(): number | undefined {
    if (this.#dynamic === undefined) return undefined;
    for (let index = 0; index < DYNAMIC_LIMIT; index++) {
      const view = this.#read(this.#dynamic + index * DYNAMIC_ENTRY_BYTES, DYNAMIC_ENTRY_BYTES);
      const tag = view === undefined ? DT_NULL : getUint64(view, 0);
      if (tag === DT_NULL) return undefined;
      if (tag === DT_DEBUG) return getUint64(view!, 8);
    }
    return undefined;
  }

  #findDynamic(headers: number, count: number): number | undefined {
    const view = this.#read(headers, Math.min(count, SEGMENTS_LIMIT) * SEGMENT_BYTES);
    if (view === undefined) return undefined;
    const segments: Segment[] = [];
    for (let at = 0; at < view.byteLength; at += SEGMENT_BYTES) segments.push(parseSegment(view, at, TRACED_LAYOUT));
    const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
    const self = segments.find(({ type }) => type === PT_PHDR);
    const first = segments.find(({ type, offset }) => type === PT_LOAD && offset === 0);
    const vaddr = self?.vaddr ?? (first && first.vaddr + HEADER_BYTES);
    return dynamic === undefined || vaddr === undefined ? undefined : headers - vaddr + dynamic.vaddr;
  }

  #read(address: number, length: number): DataView | undefined {
    const bytes = new Uint8Array(length);
    return this.#memory.read(address, bytes) === length && length > 0 ? new DataView(bytes.buffer) : undefined;
  }
}
