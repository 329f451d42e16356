/**
 * The functions that clauses call while they run; `host_imports.ts` says what each takes.
 *
 * Built-in variables are asked of the hit when a clause wants them, once a firing, and kept.
 *
 * @module
 */

import { NUMBER_BUILTINS, TEXT_BUILTINS } from "../code/builtin_numbers.ts";
import { ACTS, type HostFunctions, STACKS } from "../code/host_imports.ts";
import { align, Cell, OWN_HIGH, storedBytes } from "../code/memory_layout.ts";
import type { ProgramCode } from "../code/program_code.ts";
import type { Tally } from "../../tally.ts";
import type { Enabling, FiringProbe, NumberBuiltin, ProbeHit, ProbeText, TextBuiltin } from "../host.ts";
import type { AggregationTable } from "./aggregation_table.ts";
import { AssociativeArray } from "./associative_array.ts";
import type { ClauseMemory } from "./clause_memory.ts";
import { DynamicSpace } from "./dynamic_space.ts";
import type { RecordBuffer } from "./record_buffer.ts";
import type { RunOptions } from "./run_options.ts";
import { Speculations } from "./speculations.ts";
import { SubroutineCaller } from "./subroutines.ts";
import { hasSymbols, normalizeSymbols, type SymbolStart } from "./symbol_keys.ts";
import { ThreadVariables } from "./thread_variables.ts";

const HALF = 2 ** 32;
const EPID = NUMBER_BUILTINS.indexOf("epid");
/** How long `chill()` may keep threads in each interval, as in DTrace. */
const CHILL_MAX_NS = 5e8;
const CHILL_INTERVAL_NS = 1e9;
const ID = NUMBER_BUILTINS.indexOf("id");
const TIMESTAMP = NUMBER_BUILTINS.indexOf("timestamp");
const ARGUMENTS_MAX = 10;
const USTACK = STACKS.indexOf("ustack");
const JSTACK = STACKS.indexOf("jstack");
const encoder = new TextEncoder();

/** Which field of a probe a variable is. */
const PROBE_FIELDS: Readonly<Record<ProbeText, "provider" | "module" | "function" | "name">> = {
  probefunc: "function",
  probemod: "module",
  probename: "name",
  probeprov: "provider",
};

/** What clauses call, and the state behind it. */
export class HostFunctionTable {
  /** The functions, to be imported. */
  readonly functions: HostFunctions;
  readonly speculations: Speculations;
  /** The memory of variables that come and go. */
  readonly space: DynamicSpace;
  /** Whether a clause has called `exit()`. */
  isExiting = false;
  /** Finds where symbols in keys begin. */
  symbolStart: SymbolStart = (_of, _pid, address) => address;
  readonly #memory: ClauseMemory;
  readonly #buffer: RecordBuffer;
  readonly #aggregations: readonly AggregationTable[];
  /** Which aggregations have symbols in their keys. */
  readonly #hasSymbols: readonly boolean[];
  readonly #arrays: readonly AssociativeArray[];
  readonly #threads: ThreadVariables;
  readonly #subroutines: SubroutineCaller;
  #frames = new Float64Array(0);
  readonly #pair = new Uint32Array(2);
  /** In which firing built-in variables were asked for last, and their halves; then those of arguments. */
  readonly #askedAt: Float64Array;
  readonly #values: Int32Array;
  #firing = 0;
  /** What is in the memory of texts. */
  readonly #texts: (Uint8Array | undefined)[] = TEXT_BUILTINS.map(() => undefined);
  readonly #probeTexts = new WeakMap<FiringProbe, Map<string, Uint8Array>>();
  #hit!: ProbeHit;
  #enabling!: Enabling;
  /** What the statements of the clause that runs add, if it runs for many hits, and which one is next. */
  /** When the interval began, and how long threads were kept in it. */
  #chillBegin = -Infinity;
  #chilledNs = 0;
  #tallies: readonly (Tally | undefined)[] | undefined;
  #talliedCount = 0;

  /**
   * Makes the functions.
   *
   * @param code What was generated.
   * @param memory The memory of the program.
   * @param buffer Its principal buffer.
   * @param aggregations Its aggregations.
   * @param options Sizes.
   */
  constructor(
    code: ProgramCode,
    memory: ClauseMemory,
    buffer: RecordBuffer,
    aggregations: readonly AggregationTable[],
    options: RunOptions,
  ) {
    this.#memory = memory;
    this.#buffer = buffer;
    this.#aggregations = aggregations;
    this.#hasSymbols = aggregations.map(({ aggregation }) => hasSymbols(aggregation.keys));
    this.space = new DynamicSpace(memory.bytes, code.layout.dynamic);
    this.speculations = new Speculations(options, memory.fault);
    this.#arrays = code.arrays.map(({ form }) => new AssociativeArray(this.space, storedBytes(form, options.strsize)));
    this.#threads = new ThreadVariables(this.space, memory);
    this.#subroutines = new SubroutineCaller(memory, this.speculations, this.#hit);
    const valueCount = NUMBER_BUILTINS.length + 2 * ARGUMENTS_MAX;
    this.#askedAt = new Float64Array(valueCount);
    this.#values = new Int32Array(2 * valueCount);
    this.functions = { ...this.#valueFunctions(), ...this.#variableFunctions(), ...this.#recordFunctions() };
  }

  /** The CPU of the hit whose clauses run. */
  get cpu(): number {
    return this.#hit.cpu;
  }

  /** A probe fires. */
  begin(hit: ProbeHit): void {
    this.#hit = hit;
    this.#firing++;
    this.#subroutines.reset(hit);
  }

  /** The time of the hit is wanted: for a record, or to tell what has happened in the last second. */
  noteTime(): void {
    const { words } = this.#memory;
    this.#builtin(TIMESTAMP);
    words[Cell.time >> 2] = this.#values[2 * TIMESTAMP]!;
    words[(Cell.time >> 2) + 1] = this.#values[2 * TIMESTAMP + 1]!;
  }

  /** A clause begins. */
  beginClause(enabling: Enabling): void {
    this.#enabling = enabling;
    this.#memory.reset();
    this.speculations.reset();
  }

  /**
   * A clause is about to run for many hits, or has done so.
   *
   * @param tallies What each of its statements adds; undefined for one that adds nothing, or when it is over.
   */
  setTallies(tallies: readonly (Tally | undefined)[] | undefined): void {
    this.#tallies = tallies;
    this.#talliedCount = 0;
  }

  /** The clauses of a firing are about to run in a thread. */
  enterThread(tid: number): void {
    const { words } = this.#memory;
    words[Cell.thread >> 2] = this.#threads.find(tid);
    words[Cell.threadFreed >> 2] = 0;
  }

  /** They have run. */
  leaveThread(): void {
    if (this.#memory.words[Cell.threadFreed >> 2] !== 0) this.#threads.noteZeros();
  }

  /** The threads that have variables. */
  get tids(): MapIterator<number> {
    return this.#threads.tids;
  }

  /** A thread has ended. */
  endThread(tid: number): void {
    this.#threads.end(tid);
  }

  /** What clauses want to know. */
  #valueFunctions() {
    const memory = this.#memory;
    return {
      fault: (kind: number, lo: number, hi: number) => memory.fault.raiseNumber(kind, lo, hi),
      builtin: (number: number) => this.#giveValue(this.#builtin(number)),
      text: (number: number) => this.#text(number),
      argument: (index: number, typed: number) => this.#giveValue(this.#argument(index, typed)),
      register: (lo: number, hi: number) => this.#register(hi * HALF + (lo >>> 0)),
      load: (lo: number, hi: number, size: number) => this.#load(lo, hi, size),
      copyIn: (to: number, lo: number, hi: number, size: number) => {
        if (hi >>> 0 !== OWN_HIGH) return memory.copyIn(this.#hit, (hi >>> 0) * HALF + (lo >>> 0), to, size);
        const from = memory.ownAt(lo, hi, size, false);
        memory.bytes.copyWithin(to, from, from + size);
      },
      string: (lo: number, hi: number, limit: number) => this.#string(lo, hi, limit),
      scratch: (size: number) => memory.scratch(size),
      subroutine: (number: number, argumentCount: number) => this.#subroutines.call(number, argumentCount),
    };
  }

  /** Variables that come and go. */
  #variableFunctions() {
    const { words, layout } = this.#memory;
    return {
      thread: () => {
        const at = this.#threads.make(words[Cell.tid >> 2]!);
        if (at !== 0) words[Cell.thread >> 2] = at;
        return at;
      },
      element: (array: number, key: number, count: number) =>
        this.#arrays[array]!.find(words, key >> 2, count) || layout.zeros.begin,
      makeElement: (array: number, key: number, count: number) => this.#arrays[array]!.make(words, key >> 2, count),
      freeElement: (array: number, key: number, count: number) => this.#arrays[array]!.free(words, key >> 2, count),
      aggregate: (
        id: number,
        key: number,
        count: number,
        lo: number,
        hi: number,
        incrementLo: number,
        incrementHi: number,
      ) => {
        const table = this.#aggregations[id]!;
        if (this.#hasSymbols[id]) normalizeSymbols(table.aggregation.keys, words, key >> 2, this.symbolStart);
        if (this.#tallies === undefined) table.add(words, key >> 2, count, lo, hi, incrementLo, incrementHi);
        else this.#addTally(table, key >> 2, count);
      },
    };
  }

  /** Records, speculations, and what is done at once. */
  #recordFunctions() {
    const { words } = this.#memory;
    return {
      stack: (kind: number, at: number, limit: number) => this.#stack(kind, at, limit),
      reserve: (size: number) => this.#buffer.reserve(size),
      speculate: (lo: number, hi: number) => this.speculations.speculate(hi * HALF + (lo >>> 0)) ? 1 : 0,
      speculated: (at: number, size: number) =>
        this.speculations.take(words.subarray(at >> 2, (at + size) >> 2), this.#buffer),
      act: (action: number, lo: number, hi: number) => this.#act(ACTS[action]!, hi * HALF + (lo >>> 0)),
    };
  }

  #addTally(table: AggregationTable, key: number, count: number): void {
    const tally = this.#tallies![this.#talliedCount++];
    if (tally !== undefined) table.addTally(this.#memory.words, key, count, tally.words);
  }

  #giveValue(index: number): void {
    this.#memory.give(this.#values[2 * index]!, this.#values[2 * index + 1]!);
  }

  /** Finds a variable out, and says where its halves are. */
  #builtin(number: number): number {
    // The enabling changes from clause to clause.
    if (number === EPID) return this.#keep(number, this.#enabling.epid, 0);
    if (number === ID) return this.#keep(number, this.#enabling.probe.id, 0);
    if (this.#askedAt[number] === this.#firing) return number;
    this.#hit.readNumber(NUMBER_BUILTINS[number] as NumberBuiltin, this.#pair);
    return this.#keep(number, this.#pair[0]!, this.#pair[1]!);
  }

  #argument(index: number, typed: number): number {
    const number = NUMBER_BUILTINS.length + index + typed * ARGUMENTS_MAX;
    if (this.#askedAt[number] === this.#firing) return number;
    this.#hit.readArgument(index, typed === 1, this.#pair);
    return this.#keep(number, this.#pair[0]!, this.#pair[1]!);
  }

  #keep(number: number, lo: number, hi: number): number {
    this.#askedAt[number] = this.#firing;
    this.#values[2 * number] = lo;
    this.#values[2 * number + 1] = hi;
    return number;
  }

  #register(index: number): void {
    if (!this.#hit.readRegister(index, this.#pair)) this.#memory.fault.raise("illegalOperation");
    this.#memory.give(this.#pair[0]!, this.#pair[1]!);
  }

  #load(lo: number, hi: number, size: number): void {
    this.#memory.give(0, 0);
    this.#memory.copyIn(this.#hit, (hi >>> 0) * HALF + (lo >>> 0), Cell.result, size);
  }

  /** A string at an address: where it is, if it ends there, else a copy of what there is of it. */
  #string(lo: number, hi: number, limit: number): number {
    const memory = this.#memory;
    const at = memory.ownAt(lo, hi, 0, false);
    const end = Math.min(at + limit, memory.scratchEnd);
    const nul = memory.bytes.subarray(at, end).indexOf(0);
    return nul >= 0 ? at : memory.makeText(memory.bytes.subarray(at, end));
  }

  #text(number: number): number {
    const { bytes, layout, strsize } = this.#memory;
    const at = layout.texts.begin + number * align(strsize);
    const text = this.#textOf(TEXT_BUILTINS[number]!);
    if (this.#texts[number] === text) return at;
    const length = Math.min(text.length, strsize - 1);
    bytes.set(text.subarray(0, length), at);
    bytes[at + length] = 0;
    this.#texts[number] = text;
    return at;
  }

  #textOf(name: string): Uint8Array {
    const field = PROBE_FIELDS[name as ProbeText];
    if (field === undefined) return this.#hit.readText(name as TextBuiltin);
    const { probe } = this.#enabling;
    let texts = this.#probeTexts.get(probe);
    if (texts === undefined) this.#probeTexts.set(probe, texts = new Map());
    let text = texts.get(field);
    if (text === undefined) texts.set(field, text = encoder.encode(probe[field]));
    return text;
  }

  #stack(kind: number, at: number, limit: number): number {
    const { words } = this.#memory;
    const isUser = kind === USTACK || kind === JSTACK;
    if (limit > this.#frames.length) this.#frames = new Float64Array(limit);
    const count = isUser ? this.#hit.walkStack(this.#frames, limit) : 0;
    const start = at >> 2;
    words[start] = isUser ? this.#hit.pid : 0;
    words[start + 1] = count;
    for (let i = 0; i < count; i++) {
      const address = this.#frames[i]!;
      const hi = Math.floor(address / HALF);
      words[start + 2 + 2 * i] = address - hi * HALF;
      words[start + 3 + 2 * i] = hi;
    }
    return count;
  }

  #act(action: (typeof ACTS)[number], value: number): void {
    switch (action) {
      case "exit":
        this.isExiting = true;
        return;
      case "commit":
        return this.speculations.commit(value, this.#buffer);
      case "discard":
        return this.speculations.discard(value);
      case "chill":
        this.#checkChill(value);
        return this.#hit.act(action, value);
      case "stop":
      case "raise":
        return this.#hit.act(action, value);
      case "breakpoint":
      case "panic":
        this.#memory.fault.raise("illegalOperation");
    }
  }

  /** Threads are kept for half of the time at most. */
  #checkChill(ns: number): void {
    const { words } = this.#memory;
    this.noteTime();
    const now = (words[(Cell.time >> 2) + 1]! >>> 0) * HALF + (words[Cell.time >> 2]! >>> 0);
    if (now - this.#chillBegin > CHILL_INTERVAL_NS) {
      this.#chillBegin = now;
      this.#chilledNs = 0;
    }
    if (ns < 0 || this.#chilledNs + ns > CHILL_MAX_NS) this.#memory.fault.raise("illegalOperation");
    this.#chilledNs += ns;
  }
}
