/**
 * A program that runs without a target: probes fire with the arguments, the memory and the time that a test says.
 */

import { type CompileContext, compileProgram } from "../../lib/d/compile.ts";
import type { Enabling, FiringProbe, NumberBuiltin, ProbeHit, TextBuiltin } from "../../lib/d/host.ts";
import { type Datum, readDatum } from "../../lib/d/run/datum.ts";
import { RecordHead } from "../../lib/d/code/record_layout.ts";
import { ERROR_EPID, ErrorRecord, RunningProgram } from "../../lib/d/run/running_program.ts";
import { RUN_DEFAULTS, type RunOptions } from "../../lib/d/run/run_options.ts";
import type { Program } from "../../lib/d/tree.ts";
import { halvesOf } from "./random.ts";

const encoder = new TextEncoder();

/** A hit of a simulated process; everything can be set. */
export class SimulatedHit implements ProbeHit {
  pid = 100;
  tid = 101;
  cpu = 0;
  arguments: bigint[] = [];
  typedArguments: bigint[] = [];
  numbers: Partial<Record<NumberBuiltin, bigint>> = { timestamp: 1000n, pid: 100n, tid: 101n };
  texts: Partial<Record<TextBuiltin, Uint8Array>> = { execname: encoder.encode("a.out") };
  /** What is in the memory of the process, by address. */
  memory = new Map<number, Uint8Array>();
  stack: number[] = [];
  acts: string[] = [];
  registers: bigint[] = [];

  readNumber(name: NumberBuiltin, into: Uint32Array): void {
    setHalves(into, this.numbers[name] ?? 0n);
  }

  readText(name: TextBuiltin): Uint8Array {
    return this.texts[name] ?? new Uint8Array(0);
  }

  readArgument(index: number, typed: boolean, into: Uint32Array): void {
    setHalves(into, (typed ? this.typedArguments : this.arguments)[index] ?? 0n);
  }

  readRegister(index: number, into: Uint32Array): boolean {
    const value = this.registers[index];
    setHalves(into, value ?? 0n);
    return value !== undefined;
  }

  readMemory(address: number, into: Uint8Array): number {
    for (const [begin, bytes] of this.memory) {
      if (address < begin || address >= begin + bytes.length) continue;
      const part = bytes.subarray(address - begin, address - begin + into.length);
      into.set(part);
      return part.length;
    }
    return 0;
  }

  writeMemory(address: number, bytes: Uint8Array): boolean {
    for (const [begin, own] of this.memory) {
      if (address < begin || address + bytes.length > begin + own.length) continue;
      own.set(bytes, address - begin);
      return true;
    }
    return false;
  }

  walkStack(into: Float64Array, limit: number): number {
    const count = Math.min(limit, this.stack.length);
    for (let i = 0; i < count; i++) into[i] = this.stack[i]!;
    return count;
  }

  act(action: string, value: number): void {
    this.acts.push(`${action} ${value}`);
  }

  isProgenyOf(pid: number): boolean {
    return pid === 1;
  }

  /** Puts a text with its NUL into the memory. */
  setText(address: number, text: string): void {
    this.memory.set(address, encoder.encode(`${text}\0`));
  }
}

function setHalves(into: Uint32Array, value: bigint): void {
  const { lo, hi } = halvesOf(value);
  into[0] = lo;
  into[1] = hi;
}

/** A record, taken out. */
export interface TakenRecord {
  readonly epid: number;
  /** For each action that happened its data. */
  readonly actions: readonly { readonly kind: string; readonly data: readonly Datum[] }[];
  /** What has failed, in a record of an error. */
  readonly fault?: { readonly epid: number; readonly action: number; readonly kind: number; readonly address: number };
}

/** A program with a hit, whose probes are told apart by their names alone. */
export class Simulation {
  readonly program: Program;
  readonly running: RunningProgram;
  readonly hit = new SimulatedHit();
  readonly #enablings = new Map<string, Enabling[]>();
  readonly #byEpid = new Map<number, Enabling>();

  constructor(source: string, options: Partial<RunOptions> = {}, context: CompileContext = {}) {
    this.program = compileProgram(source, { isFile: true, strsize: options.strsize, ...context });
    this.running = new RunningProgram(this.program, { ...RUN_DEFAULTS, bufsize: 1 << 16, ...options });
    const probes = new Map<string, FiringProbe>();
    this.program.clauses.forEach((one, clause) => {
      for (const { provider, module, function: functionName, name } of one.probes) {
        const key = name || provider;
        let probe = probes.get(key);
        if (probe === undefined) {
          probe = { id: probes.size + 1, provider: provider || "dtrace", module, function: functionName, name };
          probes.set(key, probe);
        }
        const enabling = { epid: this.#byEpid.size + 2, clause, probe };
        this.#byEpid.set(enabling.epid, enabling);
        this.#enablings.set(key, [...(this.#enablings.get(key) ?? []), enabling]);
      }
    });
    this.running.setErrorEnablings(this.enablings("ERROR"));
  }

  /** The clauses of a probe. */
  enablings(name: string): readonly Enabling[] {
    return this.#enablings.get(name) ?? [];
  }

  enabling(epid: number): Enabling {
    return this.#byEpid.get(epid)!;
  }

  /** Fires a probe with arguments. */
  fire(name: string, ...args: (bigint | number)[]): this {
    this.hit.arguments = args.map(BigInt);
    this.running.fire(this.enablings(name), this.hit, name === "END");
    return this;
  }

  /** Takes all records. */
  take(): TakenRecord[] {
    const records: TakenRecord[] = [];
    this.running.drain((at) => records.push(this.#read(at)));
    return records;
  }

  /** The data of all records, numbers as `bigint` and strings as text. */
  values(): unknown[] {
    return this.take().flatMap(({ actions }) => actions.flatMap(({ data }) => data.map(plain)));
  }

  #read(at: number): TakenRecord {
    const { view, records, options } = this.running;
    const epid = view.getUint32(at + RecordHead.epid, true);
    if (epid === ERROR_EPID) {
      const fault = {
        epid: view.getUint32(at + ErrorRecord.epid, true),
        action: view.getUint32(at + ErrorRecord.action, true),
        kind: view.getUint32(at + ErrorRecord.fault, true),
        address: view.getUint32(at + ErrorRecord.address, true) +
          view.getUint32(at + ErrorRecord.address + 4, true) * 2 ** 32,
      };
      return { epid, actions: [], fault };
    }
    const layout = records[this.enabling(epid).clause]!;
    const happened = layout.actions.filter(({ presentAt }) =>
      presentAt === undefined || view.getUint32(at + presentAt, true) === 1
    );
    const actions = happened.map(({ action, data }) => ({
      kind: action.kind,
      data: data.map(({ form, offset }) => readDatum(form, view, at + offset, options.strsize)),
    }));
    return { epid, actions };
  }
}

/** A datum as a value of JavaScript. */
export function plain(datum: Datum): unknown {
  switch (datum.kind) {
    case "number": {
      const value = (BigInt(datum.hi) << 32n) | BigInt(datum.lo);
      return datum.signed ? BigInt.asIntN(64, value) : value;
    }
    case "string":
      return new TextDecoder().decode(datum.bytes);
    case "bytes":
      return [...datum.bytes];
    case "float":
      return datum.value;
    case "stack":
      return datum.frames;
    case "symbol":
      return `${datum.of} ${datum.pid} ${datum.address}`;
  }
}

/** Runs a clause `BEGIN { STATEMENTS }`, and gives what it has recorded. */
export function run(statements: string, options: Partial<RunOptions> = {}): unknown[] {
  return new Simulation(`BEGIN { ${statements} }`, options).fire("BEGIN").values();
}
