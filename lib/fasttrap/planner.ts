/**
 * How the instruction of a tracepoint is performed, and which probes can be on it.
 *
 * *Shadow stacks* (rule 144). Where the processor keeps return addresses a second time, a call or a return that we perform
 * would leave the two different, and the next return would fault. Such instructions are executed in their own place.
 *
 * *Code that changes.* What a program has made while it runs, it may change while it runs: a compiler that writes the number
 * into an instruction when it knows it would write into our jump, or behind our trap, and a copy of the instruction would not
 * know. Such code is memory without a file, or that may be written; there are no jumps in it, and instructions are executed in
 * their own place, as they are then.
 *
 * *Stacks that end.* A goroutine's stack lies in the middle of the heap, and functions use it to its last byte: a pad that
 * saves registers there would overwrite what is behind it (`isa/x86_64/stack_check.ts`). Traps need no stack.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import type { Address } from "../address.ts";
import { DTraceError } from "../errors.ts";
import type { Instruction, WordMemory } from "../isa/isa.ts";
import { Module } from "../process/modules.ts";
import { type Mapping, readLink, readStatus } from "../process/proc_files.ts";
import type { Image } from "../process/process.ts";
import type { Fasttrap } from "./fasttrap.ts";
import type { Probe } from "./probe.ts";
import { Tracepoint } from "./tracepoint.ts";

/** What a shadow stack takes part in. */
const SHADOWED: readonly Instruction["flow"][] = ["call", "indirect-call", "return"];

/** Memory in which everything succeeds, to find out whether an instruction is one that can be emulated, and takes memory. */
class AnyMemory implements WordMemory {
  isUsed = false;

  readWord(_address: number, into: Uint32Array): boolean {
    into.fill(0);
    return this.isUsed = true;
  }

  writeWord(): boolean {
    return this.isUsed = true;
  }
}

/** The device and inode of memory without a file. */
const NO_FILE = "00:00 0";
/** What the kernel gives each program of its own code. */
const VDSO = "[vdso]";

/** Decides how the instructions of an image are performed. */
export class TracepointPlanner {
  readonly #kernel: Kernel;
  readonly #image: Image;
  readonly #mappings: readonly Mapping[];
  /** The mapping of the last instruction: the next one is near. */
  #mapping: Mapping | undefined;
  readonly #registers: Uint32Array;
  readonly #hasShadowStack: boolean;
  readonly #memory = new AnyMemory();

  /**
   * Looks at what the processes of an image have set up.
   *
   * @param fasttrap The tables.
   * @param image The image.
   * @param mappings Its mappings.
   */
  constructor(fasttrap: Fasttrap, image: Image, mappings: readonly Mapping[]) {
    this.#kernel = fasttrap.tracer.kernel;
    this.#image = image;
    this.#mappings = mappings;
    this.#registers = new Uint32Array(image.isa.registersBytes / 4);
    this.#hasShadowStack = readStatus(fasttrap.tracer.kernel, image.pid)?.hasShadowStack ?? false;
  }

  /**
   * Makes a tracepoint that is nowhere yet.
   *
   * @param instruction The original instruction.
   * @returns The tracepoint, without a slot.
   */
  plan(instruction: Instruction): Tracepoint {
    const isShadowed = this.#hasShadowStack && SHADOWED.includes(instruction.flow);
    this.#registers.fill(0);
    this.#memory.isUsed = false;
    const emulated = !isShadowed && this.#image.isa.emulate(instruction, this.#registers, this.#memory);
    // A return that only the processor can perform has to be seen behind it.
    const inPlace = isShadowed || (!emulated && instruction.flow === "return");
    const mapping = this.#mappingAt(instruction.address);
    return new Tracepoint(this.#image, instruction, emulated, {
      usesMemory: this.#memory.isUsed,
      inPlace,
      mayChange: mapping !== undefined && mayChange(mapping),
      endsStack: mapping !== undefined && endsStacks(this.#kernel, this.#image, mapping),
    });
  }

  #mappingAt(address: Address): Mapping | undefined {
    if (this.#mapping === undefined || address < this.#mapping.start || address >= this.#mapping.end) {
      this.#mapping = this.#mappings.find(({ start, end }) => address >= start && address < end);
    }
    return this.#mapping;
  }
}

/** Whether the program may change the code of a mapping. */
function mayChange({ file, path, permissions }: Mapping): boolean {
  return permissions[1] === "w" || (file === NO_FILE && path !== VDSO);
}

/** Whether the code of a mapping may run on stacks that just end; found out once for each file. */
function endsStacks(kernel: Kernel, image: Image, mapping: Mapping): boolean {
  const { file } = mapping;
  let ends = image.stackEnds.get(file);
  if (ends !== undefined) return ends;
  const [process] = image.processes;
  if (file === NO_FILE || process === undefined) return false;
  try {
    const isProgram = readLink(kernel, `/proc/${process.pid}/exe`) === mapping.path;
    ends = new Module(kernel, process, [mapping], { isProgram }).endsStacks();
  } catch (error) {
    // What is no file of code that can be read was not made by Go's linker either.
    if (!(error instanceof DTraceError)) throw error;
    ends = false;
  }
  image.stackEnds.set(file, ends);
  return ends;
}

/**
 * Why a probe cannot be on a tracepoint. What happens after an instruction is not seen if it runs through a slot. A
 * static probe at any other instruction than those that take the place of its call is a mistake in the object, which
 * would fire for something else, or destroy a result.
 *
 * @param tracepoint The tracepoint, which may be nowhere yet.
 * @param probe The probe.
 * @returns The reason, as the end of a sentence; undefined if it can be on it.
 */
export function refusalOf(tracepoint: Tracepoint, probe: Probe): string | undefined {
  const { emulated, isStepped, image, instruction, pc } = tracepoint;
  if (probe.kind === "return") return emulated || isStepped ? undefined : "its effect cannot be followed";
  if (probe.kind !== "static") return undefined;
  if (probe.isEnabledSites.includes(pc)) {
    return image.isa.asksAt(instruction) ? undefined : "its instruction does not ask whether a probe is enabled";
  }
  return image.isa.firesAt(instruction) ? undefined : "its instruction is not one that a probe leaves behind";
}
