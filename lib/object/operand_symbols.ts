/**
 * The addresses of the symbols in operands: `counter(%rip)` means nothing without the file's symbol table.
 *
 * Variables count as well as functions, and there is one pass over the tables for all names that are wanted. A name
 * that several object files use for different variables of their own cannot be resolved: nothing says which is meant.
 *
 * @module
 */

import { fromHalves } from "../address.ts";
import type { Operand, OperandPlace, OperandSymbol } from "../operand.ts";
import { EM_386, EM_X86_64, PT_TLS, SHN_COMMON, SHN_UNDEF, STT_TLS } from "./elf_constants.ts";
import type { ElfFile } from "./elf_file.ts";
import { findSymbolAreas, SYMBOL_WORDS, type SymbolArea } from "./symbol_reader.ts";

const HIGH = 2 ** 32;
const PAGE_BYTES = 4096;
const PIECE_SYMBOLS = 2 ** 16;

/** What is known of a symbol. */
interface SymbolValue {
  /** Its address before relocation; of a thread's variable, the offset in the thread's initial memory. */
  readonly value: number;
  /** Whether each thread has a variable of its own. */
  readonly isThread: boolean;
}

/** The symbols of one file by name. */
export class OperandSymbols {
  readonly #elf: ElfFile;
  readonly #values: ReadonlyMap<string, SymbolValue | "ambiguous">;

  /**
   * Looks symbols up. All reading is done here.
   *
   * @param elf The file.
   * @param names The names that are wanted, without versions.
   * @param debugFile Its separate debug file, of which the caller knows that it belongs to it.
   * @throws {DTraceError} `D_PROC_ELF` if one of the files is malformed.
   */
  constructor(elf: ElfFile, names: Iterable<string>, debugFile?: ElfFile) {
    this.#elf = elf;
    this.#values = findValues(elf, debugFile, new Set(names));
  }

  /**
   * Replaces the symbol of an operand by its address.
   *
   * @param operand The operand.
   * @returns The operand without symbol; one whose symbol cannot be resolved says so.
   */
  resolve(operand: Operand): Operand {
    const { place } = operand;
    if (place.kind !== "constant" && place.kind !== "memory" || place.symbol === undefined) return operand;
    const value = this.#valueOf(place.symbol);
    if (typeof value === "string") return { ...operand, place: { kind: "unknown", reason: value } };
    return { ...operand, place: addValue(place, place.symbol, value) };
  }

  /** What to add for a symbol, or why that is not known. */
  #valueOf({ name, part }: OperandSymbol): number | string {
    const found = this.#values.get(name);
    if (found === undefined) return `its symbol "${name}" is not in the file's symbol table`;
    if (found === "ambiguous") return `its symbol "${name}" stands for several variables`;
    if (found.isThread !== (part === "thread")) return `its symbol "${name}" is of another kind`;
    if (!found.isThread) return found.value;
    const segment = this.#elf.segments.find(({ type }) => type === PT_TLS);
    const { machine } = this.#elf;
    if (segment === undefined || (machine !== EM_X86_64 && machine !== EM_386)) return "its thread memory is unknown";
    // Variant II of the ABI for thread-local storage: the program's block ends at the thread pointer.
    const align = Math.max(1, segment.align);
    return found.value - Math.ceil(segment.memoryBytes / align) * align;
  }
}

/**
 * Lists the symbols that operands need.
 *
 * @param operands The operands.
 * @returns Their names.
 */
export function symbolNames(operands: Iterable<Operand>): Set<string> {
  const names = new Set<string>();
  for (const { place } of operands) {
    if ((place.kind === "constant" || place.kind === "memory") && place.symbol !== undefined) {
      names.add(place.symbol.name);
    }
  }
  return names;
}

function addValue(
  place: OperandPlace & { kind: "constant" | "memory" },
  { part }: OperandSymbol,
  value: number,
): OperandPlace {
  const { symbol: _, ...rest } = place;
  const inModule = part === "address" ? { inModule: true } : {};
  if (rest.kind === "constant") {
    const lo = rest.lo + value % HIGH;
    const hi = (rest.hi + Math.floor(value / HIGH) + Math.floor(lo / HIGH)) >>> 0;
    return { ...rest, lo: lo >>> 0, hi, ...inModule };
  }
  const displacement = rest.displacement + value;
  // The page of the symbol is in the register, and modules are moved by whole pages.
  if (part === "low12") return { ...rest, displacement: ((displacement % PAGE_BYTES) + PAGE_BYTES) % PAGE_BYTES };
  return { ...rest, displacement, ...inModule };
}

/** Looks for names in all symbol tables; what a better table says is not changed by a worse one. */
function findValues(elf: ElfFile, debugFile: ElfFile | undefined, names: ReadonlySet<string>) {
  const values = new Map<string, SymbolValue | "ambiguous">();
  if (names.size === 0) return values;
  const firstBytes = new Set([...names].map((name) => new TextEncoder().encode(name)[0]));
  for (const area of findSymbolAreas(elf, debugFile)) {
    const found = new Map<string, SymbolValue | "ambiguous">();
    for (let first = 0; first < area.count; first += PIECE_SYMBOLS) {
      findInPiece(area, first, { names, firstBytes, found });
    }
    for (const [name, value] of found) if (!values.has(name)) values.set(name, value);
  }
  return values;
}

/** What is looked for in a table, and what has been found. */
interface Search {
  readonly names: ReadonlySet<string>;
  /** The first bytes of the names: most symbols need not be decoded. */
  readonly firstBytes: ReadonlySet<number | undefined>;
  readonly found: Map<string, SymbolValue | "ambiguous">;
}

function findInPiece(area: SymbolArea, first: number, { names, firstBytes, found }: Search): void {
  const count = Math.min(PIECE_SYMBOLS, area.count - first);
  const words = area.entries(first, count);
  const { strings } = area;
  for (let index = 0, at = 0; index < count; index++, at += SYMBOL_WORDS) {
    const nameOffset = words[at]!;
    const section = words[at + 1]! >>> 16;
    if (section === SHN_UNDEF || section === SHN_COMMON || !firstBytes.has(strings.bytes[nameOffset])) continue;
    const name = strings.symbolAt(nameOffset);
    if (!names.has(name)) continue;
    const value = fromHalves(words[at + 2]!, words[at + 3]!);
    const isThread = (words[at + 1]! & 15) === STT_TLS;
    const known = found.get(name);
    if (known === undefined) found.set(name, { value, isThread });
    else if (known !== "ambiguous" && (known.value !== value || known.isThread !== isThread)) {
      found.set(name, "ambiguous");
    }
  }
}
