/**
 * The static probes of a file by its SystemTap notes, as DTrace names them.
 *
 * A probe is a provider, a function and a name; its module is the file. The notes give providers and names, the file's
 * symbols give the functions, and all notes of one name in one function are the sites of one probe. In names `__` stands
 * for a dash, as in every DTrace provider: `query__start` in the source is the probe `query-start`.
 *
 * Whatever is wrong with a site is said of that site: the others work.
 *
 * *Cost.* One pass over the symbol tables, one binary search a site; 10,000 sites take some tens of ms.
 *
 * @module
 */

import type { Operand } from "../operand.ts";
import { PF_W, PT_LOAD } from "./elf_constants.ts";
import type { ElfFile } from "./elf_file.ts";
import { OperandSymbols, symbolNames } from "./operand_symbols.ts";
import { readStapNotes, type StapNote } from "./stap_notes.ts";
import { MAX_OPERANDS, parseOperands } from "./stap_operands.ts";
import { SymbolTable } from "./symbol_table.ts";

const SEMAPHORE_BYTES = 2;

/** A place where a static probe fires. */
export interface StapSite {
  /** Its address before relocation. */
  readonly vaddr: number;
  /** The address of the 16-bit counter of who listens, before relocation; undefined if there is none to raise. */
  readonly semaphore: number | undefined;
  /** Its arguments. */
  readonly operands: readonly Operand[];
  /** What is wrong with it, as ends of sentences about "it"; none if nothing is. */
  readonly problems: readonly string[];
  /** Whether no probe can be put there: the address is not one of the file's code. */
  readonly unusable: boolean;
}

/** A static probe. */
export interface StapProbe {
  /** Its provider. */
  readonly provider: string;
  /** The function that its sites are in; empty if no symbol says which it is. */
  readonly function: string;
  /** Its name, with dashes. */
  readonly name: string;
  /** Its sites in the order of the notes, one at least. */
  readonly sites: readonly StapSite[];
}

/** What belongs to a file besides it. */
export interface StapProbesOptions {
  /** The functions of the file, if they have been read already. */
  readonly symbols?: SymbolTable | undefined;
  /** The separate debug file, of which the caller knows that it belongs to the file. Its notes are copies. */
  readonly debugFile?: ElfFile | undefined;
}

/**
 * Reads the static probes of a file.
 *
 * @param elf The file.
 * @param options What belongs to it.
 * @returns The probes in the order of their first notes; none if the file has no notes.
 * @throws {DTraceError} `D_PROC_ELF` if the file or its debug file is malformed, or a note is cut.
 */
export function readStapProbes(elf: ElfFile, options: StapProbesOptions = {}): StapProbe[] {
  const notes = readStapNotes(elf);
  if (notes.length === 0) return [];
  const machine = { machine: elf.machine, bits: elf.layout.bits };
  // Sites of one text in 10,000 functions are parsed once.
  const parsed = new Map<string, readonly Operand[]>();
  for (const { operands } of notes) {
    if (!parsed.has(operands)) parsed.set(operands, parseOperands(operands, machine));
  }
  const names = symbolNames([...parsed.values()].flat());
  const symbols = new OperandSymbols(elf, names, options.debugFile);
  for (const [text, operands] of parsed) parsed.set(text, operands.map((operand) => symbols.resolve(operand)));

  const functions = options.symbols ?? new SymbolTable(elf, options.debugFile);
  const probes = new Map<string, StapProbe & { readonly sites: StapSite[] }>();
  for (const note of notes) {
    const { provider } = note;
    const name = note.name.replaceAll("__", "-");
    const functionName = functions.containing(note.vaddr)?.name ?? "";
    const key = [provider, functionName, name].join("\0");
    let probe = probes.get(key);
    if (probe === undefined) probes.set(key, probe = { provider, function: functionName, name, sites: [] });
    probe.sites.push(makeSite(elf, note, parsed.get(note.operands)!));
  }
  return [...probes.values()];
}

function makeSite(elf: ElfFile, { vaddr, semaphore }: StapNote, operands: readonly Operand[]): StapSite {
  const problems: string[] = [];
  const unusable = !elf.executableSegments.some((it) => vaddr >= it.vaddr && vaddr < it.vaddr + it.memoryBytes);
  if (unusable) problems.push(`its address 0x${vaddr.toString(16)} is outside of the code`);
  const inMemory = semaphore === undefined ||
    elf.segments.some((it) =>
      it.type === PT_LOAD && (it.flags & PF_W) !== 0 && semaphore >= it.vaddr &&
      semaphore + SEMAPHORE_BYTES <= it.vaddr + it.memoryBytes
    );
  if (!inMemory) problems.push(`its semaphore 0x${semaphore.toString(16)} is outside of the writable memory`);
  if (operands.length === MAX_OPERANDS) problems.push(`only its first ${MAX_OPERANDS} arguments are read`);
  return { vaddr, semaphore: inMemory ? semaphore : undefined, operands, problems, unusable };
}
