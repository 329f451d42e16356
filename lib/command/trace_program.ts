/**
 * Traces with a D program: compiles it, enables its probes, runs it until it ends, and prints what it prints.
 *
 * *Order.* The program is compiled before any target is touched, except that `$target` has to be known: so targets are
 * started first, and wait. BEGIN fires when all probes are enabled and before any target runs; END when the targets have
 * ended, `exit()` was called, or the user interrupts. Records are consumed at `switchrate`, and when the buffer is half full.
 *
 * @module
 */

import { DTraceError } from "../errors.ts";
import { RunningProgram } from "../d/run/running_program.ts";
import type { PrintFormat } from "../d/print_format.ts";
import type { Expression, Program } from "../d/tree.ts";
import { allStatements, expressionsOf, operandsOf } from "../d/walk.ts";
import {
  type ConsumerOptions,
  isConsumerOption,
  lowerSizes,
  makeConsumerOptions,
} from "../consumer/program/consumer_options.ts";
import { JsonWriter } from "../consumer/program/json_writer.ts";
import { ProgramConsumer } from "../consumer/program/program_consumer.ts";
import { formatStability } from "../consumer/program/stability_report.ts";
import { TextWriter } from "../consumer/program/text_writer.ts";
import type { OutputFormat, WrittenOption, WrittenProgram } from "../consumer/options.ts";
import { bytesOfText } from "../consumer/records/byte_text.ts";
import type { ConversionContext } from "../consumer/records/conversion.ts";
import type { Kernel } from "../../ffi/ffi.ts";
import { readEnvironment } from "../process/proc_files.ts";
import { ProgramProbes } from "../session/program/program_probes.ts";
import { Ticker } from "../session/program/ticker.ts";
import type { Session } from "../session/session.ts";
import type { Output } from "./output.ts";
import { askForActions, SHELL } from "./permissions.ts";
import { ProgramError } from "../consumer/program_error.ts";
import { argumentTypesOf, compileWritten, programError } from "./program_source.ts";

const MILLION = 1e6;
/** How full the buffer is when it is consumed before its time, as soon as the thread that has filled it goes on; and at once. */
const CONSUMED_SOON = 1 / 2;
const CONSUMED_NOW = 3 / 4;
const decoder = new TextDecoder();

/** What traces with a program. */
export interface ProgramTracer {
  readonly session: Session;
  readonly kernel: Kernel;
  /** The options of `-x` and of letters, in order. */
  readonly settings: readonly WrittenOption[];
  readonly format: OutputFormat;
  /** Whether a description may match nothing. */
  readonly allowNone: boolean;
  /** Whether hits need not stop the thread (`-x jumps`). */
  readonly jumps: boolean;
  /** Whether the program is only compiled, and its probes found. */
  readonly isDry: boolean;
  /** Whether to say how much one may rely on the program. */
  readonly verbose: boolean;
  /** Whether the user wishes the end already. */
  readonly interrupted: () => boolean;
  /** Called when the program wishes the end. */
  readonly stopWaiting: () => void;
  /** Waits for the end, where there is no target to wait for. */
  readonly wait: () => Promise<void>;
  /** Where the trace goes. */
  readonly output: Output;
  /** Says something on standard error. */
  readonly say: (text: string) => void;
  /** Called when something has happened to targets. */
  readonly report: () => void;
}

/**
 * Traces with a D program until it ends.
 *
 * @param source The program.
 * @param tracer What traces.
 * @returns What `exit()` was called with last; 0 if it was not.
 * @throws {ProgramError} If the program cannot be traced.
 */
export async function traceProgram(source: WrittenProgram, tracer: ProgramTracer): Promise<number> {
  const { session } = tracer;
  const options = makeConsumerOptions(tracer.settings);
  const program = await compileWritten(source, options, tracer);
  if (!options.destructive && program.clauses.some(({ needs }) => needs.destructive)) {
    throw new ProgramError("D_UNKNOWN", "dtrace: could not enable tracing: Destructive actions not allowed");
  }
  refuseKernelActions(program);
  if (!tracer.isDry) await askForActions(program);
  options.recordsCpu = tracer.format === "ndjson" || !options.quiet;
  const running = makeRunning(program, options, tracer);
  const wanted = { early: false };
  const probes = new ProgramProbes(session, program, running, tracer.kernel, {
    allowNone: tracer.allowNone || options.zdefs,
    tallies: tracer.jumps,
    wantsNames: wantsNames(program),
    register: (enabling) => consumer.register(enabling),
    fired: () => {
      if (running.isExiting) {
        session.stop();
        tracer.stopWaiting();
      }
      const used = running.usedBytes / options.bufsize;
      if (used > CONSUMED_SOON) wanted.early = true;
      // Many records of hits can come in one go.
      if (used > CONSUMED_NOW && options.bufpolicy === "switch") consume();
    },
  });
  const consumer = makeConsumer(running, options, tracer, probes);
  const consume = () => {
    probes.harvest();
    consumer.consume();
  };
  const counts = enable(probes, program, source, options);
  if (!options.quiet && !tracer.isDry) describeMatches(source, program, counts, tracer);
  if (tracer.verbose) void tracer.output.writeBytes(bytesOfText(formatReport(program, probes, source, tracer)));
  if (tracer.isDry) return 0;
  if (options.destructive && !options.quiet) tracer.say("dtrace: allowing destructive actions\n");
  // What a ring or a buffer that is to be filled has at the end is what is wanted.
  const isSwitched = options.bufpolicy === "switch";
  using _switching = new Ticker(() => options.switchrate / MILLION, () => {
    probes.countLost();
    if (isSwitched) consume();
  });
  using _status = new Ticker(() => options.statusrate / MILLION, () => consumer.reportStatus());
  try {
    probes.begin();
    if (!running.isExiting && !tracer.interrupted()) {
      if (session.targets.length === 0) await tracer.wait();
      else {
        for await (const _ of session.batches()) {
          if (wanted.early && isSwitched) consume();
          wanted.early = false;
          if (!options.quiet) tracer.report();
        }
      }
    }
    if (tracer.interrupted()) consumer.interrupt();
    probes.end();
  } finally {
    probes[Symbol.dispose]();
  }
  consumer.finish();
  return consumer.exitStatus ?? 0;
}

/** Whether outputs are compared, so that what differs from run to run is left out. */
function isTesting(kernel: Kernel): boolean {
  return readEnvironment(kernel).some((variable) => variable.startsWith("_DTRACE_TESTING="));
}

/** Makes the program's memory, with smaller buffers if that is allowed and has to be. */
function makeRunning(program: Program, options: ConsumerOptions, { kernel, say }: ProgramTracer): RunningProgram {
  const noMemory = "dtrace: could not enable tracing: Cannot allocate memory";
  for (const words of lowerSizes(options)) {
    if (options.bufresize === "manual") throw new ProgramError("D_UNKNOWN", noMemory);
    if (!options.quietresize && !isTesting(kernel)) say(`dtrace: ${words}\n`);
  }
  try {
    return new RunningProgram(program, options);
  } catch (error) {
    // Its parts are too large for addresses of 32 bits, or for this machine.
    if (!(error instanceof WebAssembly.CompileError || error instanceof RangeError)) throw error;
    throw new ProgramError("D_UNKNOWN", noMemory, { cause: error });
  }
}

/** What `-v` says. */
function formatReport(
  { clauses, providers }: Program,
  probes: ProgramProbes,
  { parts }: WrittenProgram,
  { isDry, session }: ProgramTracer,
): string {
  return parts.map(({ kind, name }, part) =>
    formatStability(
      { kind, name, clauses: clauses.filter((clause) => clause.part === part), providers },
      isDry,
      (clause, description) => ({
        ways: probes.waysOf(clauses.indexOf(clause), description),
        attributes: probes.attributesOf(clauses.indexOf(clause), description),
        argumentTypes: isDry ? argumentTypesOf(session, description) : undefined,
      }),
    )
  ).join("");
}

/** Refuses what would stop the kernel, by name. */
function refuseKernelActions({ clauses }: Program): void {
  const actions = clauses.flatMap(({ statements }) => [...allStatements(statements)]);
  const refused = actions.find(({ kind }) => kind === "panic" || kind === "breakpoint");
  if (refused === undefined) return;
  const text = `could not enable tracing: ${refused.kind}( ) is about the kernel, which no user may stop`;
  throw new ProgramError("D_UNKNOWN", `dtrace: ${text}`);
}

function enable(probes: ProgramProbes, program: Program, { parts }: WrittenProgram, options: ConsumerOptions) {
  try {
    return probes.enable();
  } catch (error) {
    if (!(error instanceof DTraceError)) throw error;
    const { part, line } = program.clauses[probes.clauseInHand]!;
    throw programError(parts[part]!, error, options, line);
  }
}

function makeConsumer(
  running: RunningProgram,
  options: ConsumerOptions,
  tracer: ProgramTracer,
  probes: ProgramProbes,
): ProgramConsumer {
  const context: ConversionContext = {
    resolver: options.noresolve ? { nameOf: () => undefined } : probes.names,
    pid: tracer.session.targets[0]?.pid ?? 0,
    stackIndent: options.stackindent,
    clock: { zone: localZone },
  };
  const writer = tracer.format === "ndjson"
    ? new JsonWriter(options, context)
    : new TextWriter(options, context, isTesting(tracer.kernel));
  const { output, say } = tracer;
  return new ProgramConsumer(running, options, writer, context, {
    write: (bytes) => void output.writeBytes(bytes),
    say,
    system: (command) => {
      const text = decoder.decode(command);
      output.run(SHELL, ["-c", text], (message) => say(`dtrace: failed to run ${text}: ${message}\n`));
    },
    reopen: (path) => output.reopen(decoder.decode(path), (message) => say(`dtrace: ${message}\n`)),
    truncate: () => output.truncate(() => say("dtrace: ftruncate() is for files of -o and freopen()\n")),
    setOption: (name) => isConsumerOption(name) ? undefined : "Invalid option name",
  });
}

function describeMatches(
  { parts }: WrittenProgram,
  { clauses }: Program,
  counts: readonly number[],
  { say }: ProgramTracer,
): void {
  parts.forEach(({ kind, name }, index) => {
    const count = counts.reduce((sum, each, clause) => sum + (clauses[clause]!.part === index ? each : 0), 0);
    say(`dtrace: ${kind} '${name}' matched ${count} probe${count === 1 ? "" : "s"}\n`);
  });
}

/** What is ahead of Greenwich is behind it for JavaScript. */
function localZone(seconds: number): { offsetSeconds: number; name: string } {
  const date = new Date(seconds * 1000);
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date);
  return {
    offsetSeconds: -60 * date.getTimezoneOffset(),
    name: parts.find(({ type }) => type === "timeZoneName")?.value ?? "UTC",
  };
}

/** Whether the program records addresses that are printed as names. */
function wantsNames(program: Program): boolean {
  const inExpression = (expression: Expression): boolean =>
    expression.kind === "symbol" || expression.kind === "stack" || operandsOf(expression).some(inExpression);
  return program.clauses.some(({ statements }) =>
    [...allStatements(statements)].some((statement) =>
      expressionsOf(statement).some(inExpression) || (statement.kind === "printf" && usesNames(statement.format))
    )
  );
}

function usesNames(format: PrintFormat): boolean {
  return format.some((part) => part.kind === "conversion" && part.name === "A");
}
