/**
 * The implementations behind IFUNCs.
 *
 * *Problem.* The symbol `memcpy` of libc is an `STT_GNU_IFUNC`: its address is that of a resolver, which runs once and
 * returns the implementation for this CPU. Users who name `memcpy` mean the implementation.
 *
 * *Method.* Nothing is executed: the process itself has called the resolver, and keeps what it returned in words that
 * the relocations tell. They are looked at in this order:
 *
 * 1. words of the IFUNC's own module that hold what this resolver returned;
 * 2. words of any module that hold what one of the IFUNC's names was bound to.
 *
 * *What is believed.* The tables say what a word is meant to hold, not what it holds: it may not have been filled in
 * yet, because the program has just been started or because calls are bound when they are first made (the word then
 * leads to code of its own module that does this, and is as it is in the file but for the load bias); and a name may
 * have been bound to a function of another module, which took the place of this one. So the address must be in code;
 * for a name, in the code of the IFUNC's module or of the kernel's (`gettimeofday`); and it must not be what the word held
 * from the beginning.
 *
 * @module
 */

import { type Address, fromHalves, isAddress } from "../address.ts";
import { DTraceError } from "../errors.ts";
import type { WordMemory } from "../isa/isa.ts";
import type { FunctionSlot } from "../object/relocations.ts";
import type { FunctionSymbol } from "../object/symbol_table.ts";
import type { Module, ModuleSlots } from "./modules.ts";

/** A symbol and the module that it is defined in. */
export interface Ifunc {
  /** The module. */
  readonly module: Module;
  /** The symbol, whose address is the resolver's. */
  readonly symbol: FunctionSymbol;
}

/** A function that a resolver has chosen. */
export interface Implementation {
  /** Where it begins. */
  readonly address: Address;
  /** Its size in bytes. */
  readonly sizeBytes: number;
}

/** A word that may hold the address of an implementation. */
interface Candidate {
  readonly slot: FunctionSlot;
  /** The load bias of the module that the word is in. */
  readonly bias: number;
  /** The modules in which the implementation can be. */
  readonly allowed: readonly Module[];
}

/**
 * Finds the implementation that a process uses of an IFUNC.
 *
 * @param memory The memory of the process.
 * @param modules Its modules.
 * @param ifunc The IFUNC.
 * @returns The implementation; undefined if none has been chosen, or nobody keeps it where it can be found.
 * @throws {DTraceError} `D_PROC_ELF` if the file of the IFUNC's module is malformed, or cannot be found.
 */
export function resolveIfunc(
  memory: WordMemory,
  modules: readonly Module[],
  ifunc: Ifunc,
): Implementation | undefined {
  for (const candidate of candidates(modules, ifunc)) {
    const address = functionIn(memory, candidate);
    if (address === undefined) continue;
    const home = candidate.allowed.find((it) => it.holdsCode(address)) ?? ifunc.module.vdso();
    if (home?.holdsCode(address)) return { address, sizeBytes: home.sizeAt(address) };
  }
  return undefined;
}

function* candidates(modules: readonly Module[], { module, symbol }: Ifunc): Generator<Candidate> {
  const own = slotsOf(module);
  for (const slot of own?.resolved.get(symbol.vaddr) ?? []) yield { slot, bias: own!.bias, allowed: modules };
  const { table } = module.symbols();
  // Of several versions of a name, programs are bound to the default one; others may be bound to an older one.
  const names = new Set(table.namesAt(symbol.vaddr).filter((name) => table.find(name)?.vaddr === symbol.vaddr));
  for (const owner of modules) {
    const slots = slotsOf(owner);
    if (slots === undefined) continue;
    for (const name of names) {
      for (const slot of slots.named.get(name) ?? []) {
        // A word of the same module may lead to code that will bind it, and without its first value nothing tells.
        if (owner !== module || slot.initial !== undefined) yield { slot, bias: slots.bias, allowed: [module] };
      }
    }
  }
}

/** The words of a module; undefined if its file is malformed, which only concerns those who want a probe in it. */
function slotsOf(module: Module): ModuleSlots | undefined {
  try {
    return module.functionSlots();
  } catch (error) {
    if (error instanceof DTraceError) return undefined;
    throw error;
  }
}

/** The address that a word holds; undefined if it cannot be read, or is what the word held from the beginning. */
function functionIn(memory: WordMemory, { slot, bias }: Candidate): Address | undefined {
  const word = new Uint32Array(2);
  if (!memory.readWord(slot.vaddr + bias, word)) return undefined;
  const value = fromHalves(word[0]!, word[1]!);
  return isAddress(value) && value - bias !== slot.initial ? value : undefined;
}
