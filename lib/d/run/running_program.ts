/**
 * A program that runs: its memory, its variables, and the records that its clauses have written.
 *
 * **The problem.** Probes fire in threads that wait until all clauses have run, and each clause may need anything: tables,
 * the memory of the thread's process, its stack. All of it has to be bounded, exact, and quick.
 *
 * **The method.** Clauses are functions of a WebAssembly module (see `lib/d/code/`). {@linkcode RunningProgram.fire} puts
 * what is known of the hit into cells and calls those that the probe has. They call back for what only the host has; see
 * `host_functions.ts`. The consumer takes the records out when it likes.
 *
 * **Errors.** A clause that fails throws, and is caught here. Its record is gone; in its place there is one of the error,
 * and the clauses of the ERROR probe run with DTrace's arguments: 0, the enabling, the statement, -1 (where others have the
 * offset of an instruction), the number of the fault, the address. What fails in a clause of ERROR is only counted.
 *
 * **Ending.** After `exit()` no probe fires but those that are fired as the last: END.
 *
 * @module
 */

import { generateProgram, type ProgramCode } from "../code/program_code.ts";
import { Cell } from "../code/memory_layout.ts";
import { RecordHead, type RecordLayout } from "../code/record_layout.ts";
import type { Enabling, ProbeHit } from "../host.ts";
import type { Program } from "../tree.ts";
import type { Tally } from "../../tally.ts";
import { AggregationTable } from "./aggregation_table.ts";
import { ClauseMemory } from "./clause_memory.ts";
import { CpuDrops } from "./cpu_drops.ts";
import { ErrorHit } from "./error_hit.ts";
import { Fault } from "./fault.ts";
import { HostFunctionTable } from "./host_functions.ts";
import { RecordBuffer } from "./record_buffer.ts";
import type { RunOptions } from "./run_options.ts";
import type { SymbolStart } from "./symbol_keys.ts";

/** The enabling that reports errors: the consumer's own, which is there before any of the program's. */
export const ERROR_EPID = 1;

/** Where the data of a record of an error are: enabling 4, statement 4, fault 4, unused 4, address 8. */
export const ErrorRecord = { epid: 32, action: 36, fault: 40, address: 48, bytes: 56 } as const;

/** What buffers have lost since somebody looked, by their CPUs. */
export interface BufferDrops {
  readonly principal: ReadonlyMap<number, number>;
  readonly aggregation: ReadonlyMap<number, number>;
}

/** What else was lost since somebody looked, by DTrace's kinds. */
export interface ProgramDrops {
  readonly dynamic: number;
  readonly spec: number;
  readonly specunavail: number;
  readonly dblerror: number;
}

/** See the module's comment. */
export class RunningProgram {
  /** The aggregations, by their numbers. */
  readonly aggregations: readonly AggregationTable[];
  /** The records of the clauses, by their places. */
  readonly records: readonly RecordLayout[];
  /** The memory, in which records are. */
  readonly view: DataView;
  readonly options: RunOptions;
  /** How often clauses were run. */
  firingsTotal = 0;
  readonly #memory: ClauseMemory;
  readonly #buffer: RecordBuffer;
  readonly #host: HostFunctionTable;
  readonly #clauses: readonly (() => void)[];
  readonly #clauseVariables: Int32Array;
  readonly #aggregationSpace: { bytesLeft: number; readonly drops: CpuDrops };
  readonly #hasThreads: boolean;
  readonly #errorHit = new ErrorHit();
  readonly #errorRecord = new Int32Array(ErrorRecord.bytes >> 2);
  #errorEnablings: readonly Enabling[] = [];
  #doubleErrors = 0;

  /**
   * Compiles a program and makes its memory.
   *
   * @param program The typed tree.
   * @param options Sizes and policies.
   */
  constructor(program: Program, options: RunOptions) {
    const code = generateProgram(program, options);
    const memory = new WebAssembly.Memory({ initial: code.layout.pages, maximum: code.layout.pages });
    this.options = options;
    this.records = code.records;
    this.view = new DataView(memory.buffer);
    this.#memory = new ClauseMemory(memory.buffer, code.layout, options.strsize);
    for (const [at, bytes] of code.contents) this.#memory.bytes.set(bytes, at);
    const cpuOfHit = () => this.#host.cpu;
    this.#aggregationSpace = { bytesLeft: options.aggsize, drops: new CpuDrops(cpuOfHit) };
    this.aggregations = program.aggregations.map((one) => new AggregationTable(one, this.#aggregationSpace));
    this.#buffer = new RecordBuffer(this.#memory.words, code.layout, options.bufpolicy, new CpuDrops(cpuOfHit));
    this.#host = new HostFunctionTable(code, this.#memory, this.#buffer, this.aggregations, options);
    this.#clauses = instantiate(code, memory, this.#host);
    const { begin, end } = code.layout.clauseVariables;
    this.#clauseVariables = this.#memory.words.subarray(begin >> 2, end >> 2);
    this.#hasThreads = code.layout.threadBytes > 0;
  }

  /** Whether a clause has called `exit()`, or the buffer of the policy `fill` is full. */
  get isExiting(): boolean {
    return this.#host.isExiting || this.#buffer.isFull;
  }

  /** How many bytes of records wait to be taken out. */
  get usedBytes(): number {
    return this.#buffer.usedBytes;
  }

  /**
   * Says which clauses the ERROR probe fires.
   *
   * @param enablings The clauses.
   */
  setErrorEnablings(enablings: readonly Enabling[]): void {
    this.#errorEnablings = enablings;
  }

  /**
   * Says how symbols in keys find their beginnings.
   *
   * @param symbolStart Finds them.
   */
  setSymbolStart(symbolStart: SymbolStart): void {
    this.#host.symbolStart = symbolStart;
  }

  /**
   * Fires a probe: runs its clauses in order.
   *
   * @param enablings The clauses.
   * @param hit The thread and what it is doing.
   * @param isLast Whether they run after `exit()` as well: those of END.
   */
  fire(enablings: readonly Enabling[], hit: ProbeHit, isLast: boolean = false): void {
    if (this.isExiting && !isLast) return;
    const { words } = this.#memory;
    this.#host.begin(hit);
    words[Cell.pid >> 2] = hit.pid;
    words[Cell.tid >> 2] = hit.tid;
    if (this.options.recordsCpu) words[Cell.cpu >> 2] = hit.cpu;
    if (this.#clauseVariables.length > 0) this.#clauseVariables.fill(0);
    if (this.#hasThreads) this.#host.enterThread(hit.tid);
    for (let i = 0; i < enablings.length; i++) {
      this.#run(enablings[i]!, hit);
      if (this.isExiting && !isLast) break;
    }
    if (this.#hasThreads) this.#host.leaveThread();
  }

  /**
   * Runs a clause once for many hits of a probe (`tally_clause.ts`).
   *
   * @param enabling The clause, and the probe.
   * @param hit Any hit: nothing is asked of it that is not the same at each.
   * @param tallies What each of its statements adds; undefined for one that adds nothing.
   * @param hits How many hits there were.
   */
  fireTallied(enabling: Enabling, hit: ProbeHit, tallies: readonly (Tally | undefined)[], hits: number): void {
    this.#host.begin(hit);
    this.#host.setTallies(tallies);
    this.#run(enabling, hit);
    this.#host.setTallies(undefined);
    this.firingsTotal += hits - 1;
  }

  /** The threads that have variables. */
  get tids(): MapIterator<number> {
    return this.#host.tids;
  }

  /**
   * Forgets the variables of a thread.
   *
   * @param tid The thread, which has ended.
   */
  endThread(tid: number): void {
    this.#host.endThread(tid);
  }

  /**
   * Takes all records out, the oldest first.
   *
   * @param visit Called with the offset of each in {@linkcode RunningProgram.view}; it must not fire probes.
   */
  drain(visit: (at: number) => void): void {
    this.#buffer.drain(visit);
  }

  /**
   * Notes that probes have fired without their clauses, because there was no room for what was to be recorded of them.
   *
   * @param count How many clauses should have run.
   * @param cpu The CPU.
   */
  lose(count: number, cpu: number): void {
    this.#buffer.drops.add(count, cpu);
  }

  /** Tells what buffers have lost since the last time. */
  takeBufferDrops(): BufferDrops {
    return { principal: this.#buffer.drops.take(), aggregation: this.#aggregationSpace.drops.take() };
  }

  /** Tells what else was lost since the last time. */
  takeDrops(): ProgramDrops {
    const { space, speculations } = this.#host;
    const { spec, specunavail } = speculations.drops;
    const drops = {
      dynamic: space.dropsTotal,
      spec,
      specunavail,
      dblerror: this.#doubleErrors,
    };
    space.dropsTotal = 0;
    speculations.drops.spec = 0;
    speculations.drops.specunavail = 0;
    this.#doubleErrors = 0;
    return drops;
  }

  #run(enabling: Enabling, hit: ProbeHit): void {
    this.#memory.words[Cell.epid >> 2] = enabling.epid;
    this.#host.beginClause(enabling);
    if (this.records[enabling.clause]!.sizeBytes > 0) this.#host.noteTime();
    this.firingsTotal++;
    try {
      this.#clauses[enabling.clause]!();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#fail(enabling, error, hit);
    }
  }

  #fail({ epid }: Enabling, { kind, lo, hi }: Fault, hit: ProbeHit): void {
    if (hit === this.#errorHit) {
      this.#doubleErrors++;
      return;
    }
    const { words } = this.#memory;
    const action = words[Cell.action >> 2]!;
    this.#host.noteTime();
    const record = this.#errorRecord;
    record[RecordHead.epid >> 2] = ERROR_EPID;
    record[RecordHead.size >> 2] = ErrorRecord.bytes;
    for (let i = 0; i < 2; i++) record[(RecordHead.time >> 2) + i] = words[(Cell.time >> 2) + i]!;
    record[RecordHead.pid >> 2] = hit.pid;
    record[RecordHead.tid >> 2] = hit.tid;
    record[RecordHead.cpu >> 2] = words[Cell.cpu >> 2]!;
    record[ErrorRecord.epid >> 2] = epid;
    record[ErrorRecord.action >> 2] = action;
    record[ErrorRecord.fault >> 2] = kind;
    record[ErrorRecord.address >> 2] = lo;
    record[(ErrorRecord.address >> 2) + 1] = hi;
    this.#buffer.append(record);
    if (this.#errorEnablings.length === 0) return;
    this.#errorHit.begin(hit, { epid, action, kind, lo, hi });
    this.#host.begin(this.#errorHit);
    for (const one of this.#errorEnablings) this.#run(one, this.#errorHit);
    this.#host.begin(hit);
  }
}

function instantiate(code: ProgramCode, memory: WebAssembly.Memory, host: HostFunctionTable): (() => void)[] {
  const imports = { host: { memory, ...host.functions } };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code.bytes), imports);
  return code.exports.map((name) => exports[name] as () => void);
}
