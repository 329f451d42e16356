/**
 * The modules of a process: its program and its shared objects, with their functions.
 *
 * *Problem.* The file that is mapped need not be the one that has its name now: packages are upgraded under running
 * programs, containers have other roots, files are deleted. Probes at addresses from the wrong file destroy the target.
 *
 * *Method.* `/proc/PID/maps` says which inode is mapped where. The file is looked for, in this order, where it is sure
 * to be the same, and the inode is compared where it is not:
 *
 * 1. `/proc/PID/exe` for the program itself;
 * 2. its path below the target's root, `/proc/PID/root`;
 * 3. `/proc/PID/map_files`, which leads to deleted files too, but needs privileges;
 * 4. the memory of the process: what the dynamic linker needs is loaded, with the dynamic symbols.
 *
 * Separate debug files are looked for below the target's root, where the file itself has no `.symtab`.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import { type Address, toAddress } from "../address.ts";
import { DTraceError } from "../errors.ts";
import type { ByteSource } from "../object/byte_source.ts";
import type { VaddrRange } from "../object/code_ranges.ts";
import { debugFilePaths, isDebugFileOf } from "../object/debug_file.ts";
import { type ElfDof, readElfDofs } from "../object/dof_elf.ts";
import { ElfFile } from "../object/elf_file.ts";
import { frameRange, frameSectionOf, frameTableOf } from "../object/frame_table.ts";
import { type ObjectiveCMethod, readObjectiveC } from "../object/objective_c.ts";
import { loadBias } from "../object/load_bias.ts";
import { type FunctionSlots, readFunctionSlots } from "../object/relocations.ts";
import { readStapProbes, type StapProbe } from "../object/stap_probes.ts";
import { type FunctionSymbol, SymbolTable } from "../object/symbol_table.ts";
import { linkedName } from "../spec/module_pattern.ts";
import { FileSource, statValues } from "./file_source.ts";
import type { TracedProcess } from "./process.ts";
import type { LinkedObject } from "./rendezvous.ts";
import { type Mapping, readLink, readMappings } from "./proc_files.ts";

/** The functions of a module and where they are. */
export interface ModuleSymbols {
  /** The functions. */
  readonly table: SymbolTable;
  /** What to add to a symbol's address to get the process's. */
  readonly bias: number;
  /** The header and segments of the file. Its sections cannot be read any more. */
  readonly elf: ElfFile;
}

/** The static probes of a module. */
export interface ModuleStaticProbes {
  /** Those of its SystemTap notes, at addresses before relocation. */
  readonly notes: readonly StapProbe[];
  /** Its DOF, at addresses of the process. */
  readonly dofs: readonly ElfDof[];
  /** What to add to an address of the notes to get the process's. */
  readonly bias: number;
  /** Whether there is only its memory to read, where notes and DOF cannot be found. */
  readonly isFileGone: boolean;
}

/** The words in which a module keeps the addresses of functions, and where they are. */
export interface ModuleSlots extends FunctionSlots {
  /** What to add to a word's address to get the process's. */
  readonly bias: number;
}

/** Where call frame information is in a process: its table, or all of it. */
export type CallFramesPlace = { readonly table: number } | VaddrRange;

/** Sections that Go's linker makes (`cmd/link/internal/ld`): the table of functions is in another one with relocations before it. */
const GO_NOTE = ".note.go.buildid";
const GO_TABLE = ".gopclntab";

/** A file with code that is mapped in a process. */
export class Module {
  /** The base name of its path: `libc.so.6`. */
  readonly name: string;
  /** Its path in the target's view. */
  readonly path: string;
  /** Whether it is the program itself, `a.out`. */
  readonly isProgram: boolean;
  /** The number of the link map that it is in; 0 for the first one, and for what the dynamic linker has not loaded. */
  readonly linkMap: number;
  /** Its mappings that can be executed, ascending. */
  readonly code: readonly Mapping[];
  /** All its mappings, ascending. */
  readonly mappings: readonly Mapping[];
  readonly #kernel: Kernel;
  readonly #process: TracedProcess;
  #symbols: ModuleSymbols | undefined;
  #staticProbes: ModuleStaticProbes | undefined;
  #functionSlots: ModuleSlots | undefined;
  #objectiveC: readonly ObjectiveCMethod[] | undefined;
  #vdso: Module | undefined;
  #callFrames: { readonly place: CallFramesPlace | undefined } | undefined;

  /**
   * Makes a module whose file has not been looked at.
   *
   * @param kernel The kernel's requests.
   * @param process The process.
   * @param mappings All mappings of the file, one at least.
   * @param place Whether it is the program itself, and the number of its link map, 0 by default.
   */
  constructor(
    kernel: Kernel,
    process: TracedProcess,
    mappings: readonly Mapping[],
    { isProgram, linkMap = 0 }: { readonly isProgram: boolean; readonly linkMap?: number },
  ) {
    this.path = mappings[0]!.path;
    this.name = this.path.slice(this.path.lastIndexOf("/") + 1);
    this.isProgram = isProgram;
    this.linkMap = linkMap;
    this.mappings = mappings;
    this.code = mappings.filter(({ permissions }) => permissions[2] === "x");
    this.#kernel = kernel;
    this.#process = process;
  }

  /** What its probes are called by: its name, with its link map in front of it unless that is the first one. */
  get probeModule(): string {
    return linkedName(this);
  }

  /**
   * Why no probe can be put into it, as the end of a sentence; undefined if one can. Text that is mapped shared is the
   * file itself: a trap would be written into it (fasttrap rule 140).
   */
  get refusal(): string | undefined {
    return this.code.some(({ permissions }) => permissions[3] === "s") ? "its text is mapped shared" : undefined;
  }

  /**
   * Whether its code may run on stacks that just end, with other data behind them, as that of Go does on goroutines'.
   *
   * @returns Whether the linker of Go has made it.
   * @throws {DTraceError} `D_PROC_ELF` if the file is malformed, or cannot be found.
   */
  endsStacks(): boolean {
    return this.#withElf((elf) => elf.sections.some(({ name }) => name === GO_NOTE || name.endsWith(GO_TABLE)));
  }

  /**
   * Its functions. Read at the first use, and kept.
   *
   * @returns The functions and where they are.
   * @throws {DTraceError} `D_PROC_ELF` if the file is malformed, or cannot be found.
   */
  symbols(): ModuleSymbols {
    return this.#symbols ??= this.#load();
  }

  /**
   * The address of a function in the process.
   *
   * @param symbol One of its functions.
   * @returns The address.
   */
  addressOf(symbol: FunctionSymbol): Address {
    return toAddress(symbol.vaddr + this.symbols().bias);
  }

  /**
   * The words in which it keeps the addresses of functions. Read at the first use, and kept.
   *
   * @returns The words and where they are.
   * @throws {DTraceError} `D_PROC_ELF` if the file is malformed, or cannot be found.
   */
  functionSlots(): ModuleSlots {
    return this.#functionSlots ??= this.#withElf((elf) => ({ ...readFunctionSlots(elf), bias: this.#bias(elf) }));
  }

  /**
   * Where its call frame information is in the process. Looked for at the first use, and kept.
   *
   * @returns The place of its table, or of all of it where there is no table; undefined if it has none.
   * @throws {DTraceError} `D_PROC_ELF` if the file is malformed, or cannot be found.
   */
  callFrames(): CallFramesPlace | undefined {
    this.#callFrames ??= this.#withElf((elf) => {
      const bias = this.#bias(elf);
      const table = frameTableOf(elf);
      if (table !== undefined) return { place: { table: table + bias } };
      const section = frameSectionOf(elf);
      return { place: section && { start: section.start + bias, end: section.end + bias } };
    });
    return this.#callFrames.place;
  }

  /**
   * Its Objective-C methods. Read at the first use, and kept.
   *
   * @returns The methods; none if it has no Objective-C.
   * @throws {DTraceError} `D_PROC_ELF` if the file is malformed, or cannot be found.
   */
  objectiveC(): readonly ObjectiveCMethod[] {
    return this.#objectiveC ??= this.#withElf(readObjectiveC);
  }

  /**
   * The code that the kernel maps into the same process (vdso(7)), which is a module without a file. It is not listed,
   * because it is not loaded by the program; but some functions of libc are resolved to functions in it.
   *
   * @returns The module; undefined if the kernel maps none.
   */
  vdso(): Module | undefined {
    if (this.#vdso === undefined) {
      const mappings = (readMappings(this.#kernel, this.#process.pid) ?? []).filter(({ path }) => path === "[vdso]");
      if (mappings.length > 0) this.#vdso = new Module(this.#kernel, this.#process, mappings, { isProgram: false });
    }
    return this.#vdso;
  }

  /**
   * Whether an address lies in its code.
   *
   * @param address The address; any number.
   * @returns Whether it does.
   */
  holdsCode(address: number): boolean {
    return this.code.some(({ start, end }) => address >= start && address < end);
  }

  /**
   * The size of a function that may have no symbol, because the file is stripped.
   *
   * @param address Where it begins, in its code.
   * @returns The bytes up to the end that its symbol says, or else the call frames; or else up to the next function.
   * @throws {DTraceError} `D_PROC_ELF` if the file is malformed, or cannot be found.
   */
  sizeAt(address: Address): number {
    const { table, bias } = this.symbols();
    const vaddr = address - bias;
    const end = this.#withElf((elf) => this.#rangeAt(elf, vaddr))?.end ?? table.next(vaddr)?.vaddr ?? Infinity;
    const mappingEnd = this.code.find((mapping) => address >= mapping.start && address < mapping.end)?.end ?? address;
    return Math.min(end - vaddr, mappingEnd - address);
  }

  /**
   * Finds the functions that addresses are in.
   *
   * @param addresses The addresses, in its code.
   * @returns By each address the function, as far as symbols or call frames tell.
   * @throws {DTraceError} `D_PROC_ELF` if the file is malformed, or cannot be found.
   */
  functionsAt(addresses: readonly Address[]): Map<Address, VaddrRange> {
    const functions = new Map<Address, VaddrRange>();
    if (addresses.length === 0) return functions;
    const { bias } = this.symbols();
    this.#withElf((elf) => {
      for (const address of addresses) {
        const range = this.#rangeAt(elf, address - bias);
        if (range !== undefined) functions.set(address, { start: range.start + bias, end: range.end + bias });
      }
    });
    return functions;
  }

  /** The function that an address is in, before relocation: as its symbol says, or else the call frames, or else a symbol without a size. */
  #rangeAt(elf: ElfFile, vaddr: number): VaddrRange | undefined {
    const symbol = this.symbols().table.containing(vaddr);
    const range = symbol && { start: symbol.vaddr, end: symbol.vaddr + symbol.sizeBytes };
    return symbol?.sizeKnown ? range : frameRange(elf, vaddr) ?? range;
  }

  /**
   * The static probes that its file declares. Read at the first use, and kept.
   *
   * @returns Its SystemTap notes, before relocation, and its DOF, relocated; none if only its memory can be read.
   * @throws {DTraceError} `D_PROC_ELF` if the file is malformed, or cannot be found.
   */
  staticProbes(): ModuleStaticProbes {
    return this.#staticProbes ??= this.#withElf((elf) => {
      const bias = this.#bias(elf);
      const hasNotes = elf.section(".note.stapsdt") !== undefined;
      return {
        notes: hasNotes ? this.#readNotes(elf) : [],
        dofs: readElfDofs(elf, bias),
        bias,
        isFileGone: elf.isLoaded,
      };
    });
  }

  #readNotes(elf: ElfFile): StapProbe[] {
    const symbols = this.symbols().table;
    using debugSource = elf.section(".symtab") === undefined ? this.#openDebugFile(elf) : undefined;
    return readStapProbes(elf, { symbols, debugFile: debugSource?.elf });
  }

  #load(): ModuleSymbols {
    return this.#withElf((elf) => {
      const bias = this.#bias(elf);
      const table = new SymbolTable(elf);
      if (elf.isLoaded || table.source === ".symtab") return { table, bias, elf };
      using debugSource = this.#openDebugFile(elf);
      return { table: debugSource === undefined ? table : new SymbolTable(elf, debugSource.elf), bias, elf };
    });
  }

  /** Opens the file, or the memory where the file cannot be had, for as long as `use` takes. */
  #withElf<T>(use: (elf: ElfFile) => T): T {
    using source = this.#open();
    return use(
      new ElfFile(source ?? this.#memorySource(), {
        name: this.path,
        loadedAt: source === undefined ? this.mappings[0]!.start : undefined,
      }),
    );
  }

  #bias(elf: ElfFile): number {
    for (const { start, offset, permissions } of [...this.code, ...this.mappings]) {
      const bias = loadBias(elf, { start, offset, executable: permissions[2] === "x" });
      if (bias !== undefined) return bias;
    }
    throw new DTraceError("D_PROC_ELF", `Cannot read "${this.path}": none of its segments is mapped`);
  }

  #open(): FileSource | undefined {
    const { pid } = this.#process;
    const { start, end, file, deleted } = this.mappings[0]!;
    const inode = Number(file.slice(file.indexOf(" ") + 1));
    if (this.isProgram) return FileSource.open(this.#kernel, `/proc/${pid}/exe`);
    const underRoot = `/proc/${pid}/root${this.path}`;
    if (!deleted && inodeOf(this.#kernel, underRoot) === inode) {
      const source = FileSource.open(this.#kernel, underRoot);
      if (source !== undefined) return source;
    }
    return FileSource.open(this.#kernel, `/proc/${pid}/map_files/${start.toString(16)}-${end.toString(16)}`);
  }

  /** The module as it is loaded: what the file's segments hold, at their addresses. */
  #memorySource(): ByteSource {
    const { memory } = this.#process.image;
    const base = this.mappings[0]!.start;
    return {
      sizeBytes: this.mappings.at(-1)!.end - base,
      read(offset, length) {
        const bytes = new Uint8Array(length);
        return bytes.subarray(0, memory.read(base + offset, bytes));
      },
    };
  }

  #openDebugFile(elf: ElfFile): (Disposable & { readonly elf: ElfFile }) | undefined {
    for (const path of debugFilePaths(elf, this.path)) {
      const source = FileSource.open(this.#kernel, `/proc/${this.#process.pid}/root${path}`);
      if (source === undefined) continue;
      try {
        const debugFile = new ElfFile(source, { name: path });
        if (isDebugFileOf(elf, debugFile)) return { elf: debugFile, [Symbol.dispose]: () => source[Symbol.dispose]() };
      } catch (error) {
        // A file that only has the right name is passed over.
        if (!(error instanceof DTraceError)) throw error;
      }
      source[Symbol.dispose]();
    }
    return undefined;
  }
}

/**
 * Lists the modules of a process.
 *
 * @param kernel The kernel's requests.
 * @param process The process.
 * @param objects What its dynamic linker says that it has loaded; without that, a file that is loaded twice is one
 *   module.
 * @returns The modules in ascending order of address, the program itself first. Files that a newer file of the same
 *   path has replaced while both are mapped appear by themselves.
 */
export function listModules(
  kernel: Kernel,
  process: TracedProcess,
  objects: readonly LinkedObject[] = [],
): Module[] {
  const mappings = readMappings(kernel, process.pid) ?? [];
  // The linker reserves one range for an object, so that a mapping belongs to the object that begins last before it.
  // The linker itself is in every link map, and counts as one of the first.
  const ascending = objects.toSorted((a, b) => a.bias - b.bias || b.linkMap - a.linkMap);
  const ownerOf = (address: number) => ascending.findLast(({ bias }) => bias <= address);
  const files = Map.groupBy(
    mappings.filter(({ path }) => path.startsWith("/")),
    ({ file, path, start }) => `${file} ${ownerOf(start)?.bias} ${path}`,
  );
  const program = readLink(kernel, `/proc/${process.pid}/exe`)?.replace(/ \(deleted\)$/, "");
  const modules: Module[] = [];
  let foundProgram = false;
  for (const parts of files.values()) {
    if (!parts.some(({ permissions }) => permissions[2] === "x")) continue;
    const isProgram: boolean = !foundProgram && parts[0]!.path === program;
    foundProgram ||= isProgram;
    const { start } = parts[0]!;
    const owner = ownerOf(start);
    // What the linker has not loaded may lie behind anything.
    const linkMap = owner?.bias === start ? owner.linkMap : 0;
    modules.push(new Module(kernel, process, parts, { isProgram, linkMap }));
  }
  return modules.sort((a, b) => Number(b.isProgram) - Number(a.isProgram));
}

function inodeOf(kernel: Kernel, path: string): number | undefined {
  return statValues(kernel, path)?.[3];
}
