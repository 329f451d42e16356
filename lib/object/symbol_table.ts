/**
 * The functions of a program or shared object.
 *
 * *Which functions.* Those of its separate debug file, of its .symtab and of its .dynsym together, so that a stripped
 * file has at least what it exports; see {@linkcode readFunctionSymbols} for the symbols that count and
 * {@linkcode orderSymbols} for functions with several names.
 *
 * *Names.* A function is listed once. {@linkcode SymbolTable.match} gives it the best of its names that matches, so
 * that `fork*` and `__fork*` both find it; {@linkcode SymbolTable.find} finds it by any.
 *
 * *Cost.* Linear in the symbols; names stay bytes until they are asked for. Only the tables are read from the file.
 *
 * @module
 */

import { nearNames } from "../near_names.ts";
import { CodeRanges } from "./code_ranges.ts";
import type { ElfFile } from "./elf_file.ts";
import { NameIndex } from "./name_index.ts";
import type { StringTable } from "./string_table.ts";
import { type OrderedSymbols, orderSymbols, rankOf } from "./symbol_order.ts";
import {
  findSymbolAreas,
  IFUNC,
  LOCAL,
  readFunctionSymbols,
  SIZE_GUESSED,
  type SymbolArea,
  type SymbolSource,
  TABLE_SHIFT,
  WEAK,
} from "./symbol_reader.ts";

/** Longer names, as C++ has them, are no near match of anything. */
const TYPED_BYTES_MAX = 256;

/** Only names that overlap in a hostile file come to more than this: a web browser's have a quarter of it. */
const LISTED_CHARACTERS_MAX = 2 ** 28;

/** A function. */
export interface FunctionSymbol {
  /** Its name, without version; that by which it was found if it has several. */
  readonly name: string;
  /** Its address before relocation. */
  readonly vaddr: number;
  /** Its size in bytes, at least 1. */
  readonly sizeBytes: number;
  /** Whether the file states the size. If not, the function is taken to reach to the next one. */
  readonly sizeKnown: boolean;
  /** Whether this is an `STT_GNU_IFUNC`: the code at the address chooses the function, and is not the function. */
  readonly ifunc: boolean;
  /** Its binding. */
  readonly binding: "global" | "weak" | "local";
}

/**
 * The functions of a program or shared object, in order of address.
 *
 * @example The functions of this program
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { byteSource } from "./byte_source.ts";
 * import { ElfFile } from "./elf_file.ts";
 *
 * const elf = new ElfFile(byteSource(Deno.readFileSync("/proc/self/exe")), { name: "deno" });
 * const table = new SymbolTable(elf);
 * for (const { name, vaddr } of table.match((name) => name.startsWith("uv_"))) {
 *   assertEquals(table.findAll(name).some((it) => it.vaddr === vaddr), true);
 * }
 * assertEquals(table.find("no such function"), undefined);
 * ```
 */
export class SymbolTable {
  /** The best of the tables that the file has; undefined if it has none. */
  readonly source: SymbolSource | undefined;
  readonly #elf: ElfFile;
  readonly #symbols: OrderedSymbols["symbols"];
  readonly #groups: Uint32Array;
  readonly #areas: readonly SymbolArea[];
  readonly #start: number;
  #index: NameIndex | undefined;
  #ends: Uint32Array | undefined;

  /**
   * Reads the symbols of a file. All reading is done here: the sources may be closed afterwards.
   *
   * @param elf The file.
   * @param debugFile Its separate debug file, of which the caller knows that it belongs to it.
   * @throws {DTraceError} `D_PROC_ELF` if one of the files is malformed.
   */
  constructor(elf: ElfFile, debugFile?: ElfFile) {
    this.#elf = elf;
    const areas = findSymbolAreas(elf, debugFile);
    const ranges = new CodeRanges(elf);
    this.source = areas[0]?.source;
    this.#areas = areas;
    this.#start = ranges.start;
    const { symbols, groups } = orderSymbols(readFunctionSymbols(areas, ranges), this.#areas, ranges);
    this.#symbols = symbols;
    this.#groups = groups;
  }

  /** How many functions there are. */
  get count(): number {
    return this.#groups.length - 1;
  }

  /**
   * Tells a function.
   *
   * @param index Its place in the order of addresses, from 0 to `count` - 1.
   * @returns The function, by its best name.
   * @throws {RangeError} If there is no such function.
   */
  at(index: number): FunctionSymbol {
    const symbol = index < this.count ? this.#groups[index] : undefined;
    if (symbol === undefined) throw new RangeError(`Cannot tell function ${index}: there are ${this.count}`);
    return this.#function(symbol);
  }

  /**
   * Finds a function by any of its names.
   *
   * @param name The exact name, without version.
   * @returns The function; undefined if there is none. Of several, a global one is preferred to a weak and a weak to a
   *   local one, then the default version of its name, then the lowest address.
   */
  find(name: string): FunctionSymbol | undefined {
    return this.findAll(name)[0];
  }

  /**
   * Finds all functions of a name: functions that are local to different object files may have the same one.
   *
   * @param name The exact name, without version.
   * @returns The functions, the one that {@linkcode SymbolTable.find} prefers first.
   */
  findAll(name: string): FunctionSymbol[] {
    this.#index ??= new NameIndex(this.#symbols, this.#areas);
    const firstOfGroup = new Map<number, number>();
    for (const symbol of this.#index.find(name)) {
      const group = this.#groupOf(symbol);
      if (!firstOfGroup.has(group)) firstOfGroup.set(group, symbol);
    }
    return [...firstOfGroup.values()]
      .map((symbol) => ({ symbol, rank: rankOf(this.#symbols, symbol, this.#areas) }))
      .sort((a, b) => a.rank - b.rank || a.symbol - b.symbol)
      .map(({ symbol }) => this.#function(symbol));
  }

  /**
   * Finds the function that an address belongs to.
   *
   * @param vaddr The address before relocation; any number.
   * @returns The function, the innermost if several overlap; undefined if there is none.
   */
  containing(vaddr: number): FunctionSymbol | undefined {
    const offset = vaddr - this.#start;
    const ends = this.#ends ??= this.#furthestEnds();
    for (let group = this.#lastFrom(offset); group >= 0 && (ends[group] as number) >= offset; group--) {
      const symbol = this.#groups[group] as number;
      const distance = offset - (this.#symbols.offsets[symbol] as number);
      if (distance < (this.#symbols.sizes[symbol] as number)) return this.#function(symbol);
    }
    return undefined;
  }

  /**
   * Finds the first function behind an address.
   *
   * @param vaddr The address before relocation; any number.
   * @returns The function; undefined if there is none.
   */
  next(vaddr: number): FunctionSymbol | undefined {
    const group = this.#lastFrom(vaddr - this.#start) + 1;
    return group < this.count ? this.at(group) : undefined;
  }

  /**
   * Lists the names of what begins at an address.
   *
   * @param vaddr The address before relocation; any number.
   * @returns The names, without versions; some may be equal.
   */
  namesAt(vaddr: number): string[] {
    const names: string[] = [];
    const offset = vaddr - this.#start;
    for (let group = this.#lastFrom(offset); group >= 0; group--) {
      const first = this.#groups[group] as number;
      if (this.#symbols.offsets[first] !== offset) break;
      const behind = this.#groups[group + 1] as number;
      for (let symbol = first; symbol < behind; symbol++) names.push(this.#name(symbol));
    }
    return names;
  }

  /**
   * Lists functions by name.
   *
   * @param predicate Whether a name is wanted; without it all functions are.
   * @returns The functions, in order of address, each by the best of its names that is wanted.
   * @throws {DTraceError} `D_PROC_ELF` if their names have more than {@linkcode LISTED_CHARACTERS_MAX} characters.
   */
  match(predicate?: (name: string) => boolean): FunctionSymbol[] {
    const found: FunctionSymbol[] = [];
    let characters = 0;
    for (let group = 0; group < this.count; group++) {
      const behind = this.#groups[group + 1] as number;
      for (let symbol = this.#groups[group] as number; symbol < behind; symbol++) {
        const name = this.#name(symbol);
        if (predicate !== undefined && !predicate(name)) continue;
        characters += name.length;
        if (characters > LISTED_CHARACTERS_MAX) this.#elf.reader.fail("the names of its functions are too long");
        found.push(this.#function(symbol, name));
        break;
      }
    }
    return found;
  }

  /**
   * Finds names like one that no function has.
   *
   * @param name The misspelt name.
   * @param limit How many names to find.
   * @returns At most `limit` names, best first.
   */
  near(name: string, limit: number): string[] {
    return nearNames(name, this.#shortNames(), limit);
  }

  /** All names that somebody may have typed. */
  *#shortNames(): Generator<string> {
    for (let symbol = 0; symbol < this.#symbols.count; symbol++) {
      const name = this.#symbols.names[symbol] as number;
      if (this.#strings(symbol).symbolEnd(name, TYPED_BYTES_MAX) < name + TYPED_BYTES_MAX) yield this.#name(symbol);
    }
  }

  #name(symbol: number): string {
    return this.#strings(symbol).symbolAt(this.#symbols.names[symbol] as number);
  }

  #strings(symbol: number): StringTable {
    return (this.#areas[(this.#symbols.flags[symbol] as number) >>> TABLE_SHIFT] as SymbolArea).strings;
  }

  #function(symbol: number, name: string = this.#name(symbol)): FunctionSymbol {
    const flags = this.#symbols.flags[symbol] as number;
    return {
      name,
      vaddr: this.#start + (this.#symbols.offsets[symbol] as number),
      sizeBytes: this.#symbols.sizes[symbol] as number,
      sizeKnown: (flags & SIZE_GUESSED) === 0,
      ifunc: (flags & IFUNC) !== 0,
      binding: flags & LOCAL ? "local" : flags & WEAK ? "weak" : "global",
    };
  }

  /** Finds the function that a symbol names: the last one whose first symbol is not behind it. */
  #groupOf(symbol: number): number {
    return lastNotAbove(this.count, symbol, (group) => this.#groups[group] as number);
  }

  /** Finds the last function that begins at an offset or before; -1 if there is none. */
  #lastFrom(offset: number): number {
    return lastNotAbove(this.count, offset, (group) => this.#symbols.offsets[this.#groups[group] as number] as number);
  }

  /**
   * For each function, the last byte of it and of all before it: where this is below an address, no function further
   * to the front can hold the address.
   */
  #furthestEnds(): Uint32Array {
    const ends = new Uint32Array(this.count);
    let furthest = 0;
    for (let group = 0; group < this.count; group++) {
      const symbol = this.#groups[group] as number;
      const end = (this.#symbols.offsets[symbol] as number) + (this.#symbols.sizes[symbol] as number) - 1;
      ends[group] = furthest = Math.max(furthest, end);
    }
    return ends;
  }
}

/** Searches an ascending sequence by halves; returns the index of the last number that is not above `limit`, or -1. */
function lastNotAbove(count: number, limit: number, at: (index: number) => number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(middle) <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
