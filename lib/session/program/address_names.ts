/**
 * The names of addresses in targets: module, function and offset.
 *
 * They are looked up when results are printed, perhaps when the target has ended: so its modules are listed, and their
 * symbols read, when its first probe is enabled, and again when an address is in none of them, as long as it lives.
 *
 * @module
 */

import type { SymbolKind } from "../../d/types.ts";
import type { Kernel } from "../../../ffi/ffi.ts";
import { Probe, type ProbeIdentity } from "../../fasttrap/probe.ts";
import { SampleProbe } from "../sample.ts";
import { listModules, type Module } from "../../process/modules.ts";
import type { TracedProcess } from "../../process/process.ts";

/** How many names are kept. */
const NAMES_MAX = 100_000;

/** What is known of an address. */
export interface FoundName {
  /** The file. */
  readonly module: string;
  /** The function; undefined if there is none. */
  readonly symbol: string | undefined;
  /** How far behind the function's beginning it is. */
  readonly offsetBytes: number;
  /** Where the file is mapped. */
  readonly moduleStart: number;
}

/** See the module's comment. */
export class AddressNames {
  readonly #kernel: Kernel;
  readonly #isWanted: boolean;
  readonly #processes = new Map<number, { readonly process: TracedProcess; modules: readonly Module[] }>();
  readonly #names = new Map<string, FoundName | undefined>();

  /**
   * Makes it, without processes.
   *
   * @param kernel The kernel's requests.
   * @param isWanted Whether anybody will ask.
   */
  constructor(kernel: Kernel, isWanted: boolean) {
    this.#kernel = kernel;
    this.#isWanted = isWanted;
  }

  /**
   * A probe is enabled or fires, so that addresses of its process may be recorded.
   *
   * @param probe The probe.
   */
  follow(probe: ProbeIdentity): void {
    if (!this.#isWanted) return;
    const process = processOf(probe);
    if (process === undefined || this.#processes.has(process.pid)) return;
    const modules = listModules(this.#kernel, process);
    this.#processes.set(process.pid, { process, modules });
    for (const module of modules) nameIn(module, 0);
  }

  /**
   * Names an address.
   *
   * @param pid The process.
   * @param address The address.
   * @returns What is known; undefined if no file is mapped there.
   */
  nameOf(pid: number, address: number): FoundName | undefined {
    const key = `${pid} ${address}`;
    if (this.#names.has(key)) return this.#names.get(key);
    const name = this.#find(pid, address);
    if (this.#names.size >= NAMES_MAX) this.#names.clear();
    this.#names.set(key, name);
    return name;
  }

  /**
   * Finds where what an address is in begins; see `d/run/symbol_keys.ts`.
   *
   * @param of Whether the module is meant, or the function.
   * @param pid The process.
   * @param address The address.
   * @returns The beginning; the address itself if that is not known.
   */
  startOf(of: SymbolKind, pid: number, address: number): number {
    const name = this.nameOf(pid, address);
    if (name === undefined) return address;
    return of === "umod" ? name.moduleStart : address - name.offsetBytes;
  }

  #find(pid: number, address: number): FoundName | undefined {
    const known = this.#processes.get(pid);
    if (known === undefined) return undefined;
    let module = moduleAt(known.modules, address);
    if (module === undefined) {
      const modules = listModules(this.#kernel, known.process);
      if (modules.length > 0) known.modules = modules;
      module = moduleAt(known.modules, address);
    }
    return module && nameIn(module, address);
  }
}

/**
 * Finds the process of a probe.
 *
 * @param probe The probe.
 * @param pid The process in which it has fired, which may share the memory of its own.
 * @returns The process; undefined if it is no longer traced, or the probe is in none.
 */
export function processOf(probe: ProbeIdentity, pid?: number): TracedProcess | undefined {
  if (probe instanceof SampleProbe) return probe.process;
  if (!(probe instanceof Probe)) return undefined;
  const { image, pid: own } = probe.owner.process;
  return [...image.processes].find((one) => one.pid === (pid ?? own));
}

function moduleAt(modules: readonly Module[], address: number): Module | undefined {
  return modules.find(({ mappings }) => mappings.some(({ start, end }) => start <= address && address < end));
}

function nameIn(module: Module, address: number): FoundName {
  const moduleStart = Math.min(...module.mappings.map(({ start }) => start));
  try {
    const { table, bias } = module.symbols();
    const symbol = table.containing(address - bias);
    if (symbol !== undefined) {
      return { module: module.name, symbol: symbol.name, offsetBytes: address - bias - symbol.vaddr, moduleStart };
    }
  } catch {
    // A file that is gone or malformed has no symbols; its name is known.
  }
  return { module: module.name, symbol: undefined, offsetBytes: 0, moduleStart };
}
