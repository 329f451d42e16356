/**
 * Traces with a D program: compiles it, enables its probes, runs it until it ends, and prints what it prints.
 *
 * *Order.* The program is compiled before any target is touched, except that `$target` has to be known: so targets are
 * started first, and wait. BEGIN fires when all probes are enabled and before any target runs; END when the targets have
 * ended, `exit()` was called, or the user interrupts. Records are consumed at `switchrate`, and when the buffer is half full.
 *
 * @module
 */

import { DTraceError } from "./lib/errors.ts";
import { CompileError } from "./lib/d/compile_error.ts";
import { compileProgram } from "./lib/d/compile.ts";
import { RunningProgram } from "./lib/d/run/running_program.ts";
import type { PrintFormat } from "./lib/d/print_format.ts";
import type { Expression, Program } from "./lib/d/tree.ts";
import { allStatements, expressionsOf, operandsOf } from "./lib/d/walk.ts";
import {
  CONSUMER_DEFAULTS,
  type ConsumerOptions,
  isConsumerOption,
  setConsumerOption,
} from "./lib/consumer/program/consumer_options.ts";
import { JsonWriter } from "./lib/consumer/program/json_writer.ts";
import { ProgramConsumer } from "./lib/consumer/program/program_consumer.ts";
import { TextWriter } from "./lib/consumer/program/text_writer.ts";
import type { OutputFormat, WrittenOption, WrittenProgram } from "./lib/consumer/options.ts";
import type { ConversionContext } from "./lib/consumer/records/conversion.ts";
import type { Kernel } from "./ffi/ffi.ts";
import { readEnvironment, readStatus, readText } from "./lib/process/proc_files.ts";
import { ProgramProbes } from "./lib/session/program/program_probes.ts";
import type { Session } from "./lib/session/session.ts";

const MILLION = 1e6;
/** How full the buffer is when it is consumed before its time, as soon as the thread that has filled it goes on; and at once. */
const CONSUMED_SOON = 1 / 2;
const CONSUMED_NOW = 3 / 4;
/** The exit code of dtrace(1) for what cannot be traced. */
const FAILURE = 1;

/** What traces with a program. */
export interface ProgramTracer {
  readonly session: Session;
  readonly kernel: Kernel;
  /** The options of `-x` and of letters, in order. */
  readonly settings: readonly WrittenOption[];
  readonly format: OutputFormat;
  /** Whether a description may match nothing. */
  readonly allowNone: boolean;
  /** Whether the user wishes the end already. */
  readonly interrupted: () => boolean;
  /** Called when the program wishes the end. */
  readonly stopWaiting: () => void;
  /** Waits for the end, where there is no target to wait for. */
  readonly wait: () => Promise<void>;
  /** Writes output, bytes as they are. */
  readonly write: (bytes: Uint8Array<ArrayBuffer>) => void;
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
 * @returns What `exit()` was called with; 0 if it was not.
 */
export async function traceProgram(source: WrittenProgram, tracer: ProgramTracer): Promise<number> {
  const { session } = tracer;
  const options: ConsumerOptions = { ...CONSUMER_DEFAULTS };
  for (const { name, value } of tracer.settings) setConsumerOption(options, name, value);
  const program = compileAll(source, tracer, options);
  if (!options.destructive && program.clauses.some(({ needs }) => needs.destructive)) {
    tracer.say("dtrace: could not enable tracing: Destructive actions not allowed\n");
    return FAILURE;
  }
  options.recordsCpu = tracer.format === "text" && !options.quiet;
  const running = new RunningProgram(program, options);
  const wanted = { early: false };
  const probes = new ProgramProbes(session, program, running, tracer.kernel, {
    allowNone: tracer.allowNone || options.zdefs,
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
      if (used > CONSUMED_NOW && options.bufpolicy === "switch") consumer.consume();
    },
  });
  const consumer = makeConsumer(running, options, tracer, probes);
  let counts: number[];
  try {
    counts = probes.enable();
  } catch (error) {
    if (!(error instanceof DTraceError)) throw error;
    tracer.say(`${failureOf(source, error.message)}\n${error.hint === undefined ? "" : `hint: ${error.hint}\n`}`);
    return FAILURE;
  }
  if (!options.quiet) describeMatches(source, program, counts, tracer);
  const timer = setInterval(() => {
    probes.countLost();
    consumer.consume();
  }, Math.max(1, options.switchrate / MILLION));
  try {
    probes.begin();
    if (!running.isExiting && !tracer.interrupted()) {
      if (session.targets.length === 0) await tracer.wait();
      else {
        for await (const _ of session.batches()) {
          if (wanted.early) consumer.consume();
          wanted.early = false;
          if (!options.quiet) tracer.report();
        }
      }
    }
    probes.end();
  } finally {
    clearInterval(timer);
    probes[Symbol.dispose]();
  }
  consumer.finish();
  return consumer.exitStatus ?? 0;
}

function compileAll(
  { clauses, script, words }: WrittenProgram,
  tracer: ProgramTracer,
  options: ConsumerOptions,
): Program {
  const text = script === undefined ? clauses.map(({ source }) => source).join("\n") : readText(tracer.kernel, script);
  const optionProblem = (option: { readonly name: string; readonly value: string | undefined }) =>
    setConsumerOption(options, option.name, option.value);
  try {
    if (text === undefined) throw new CompileError("D_UNKNOWN", { line: 0 }, `cannot read ${script}`, false);
    return compileProgram(text, {
      isFile: script !== undefined,
      macros: { arguments: [script ?? "", ...words], variables: macrosOf(tracer), defaults: options.defaultargs },
      strsize: options.strsize,
      optionProblem,
    });
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    tracer.say(
      `${failureOf({ clauses, script }, options.errtags ? `[${error.tag}] ${error.message}` : error.message)}\n`,
    );
    throw error;
  }
}

/** The macro variables, besides the arguments. */
function macrosOf({ session, kernel }: ProgramTracer): Record<string, number | undefined> {
  const status = readStatus(kernel, "self");
  const [uid, euid] = status?.uid ?? [];
  const [gid, egid] = status?.gid ?? [];
  return { target: session.targets[0]?.pid, pid: Deno.pid, ppid: status?.ppid, uid, euid, gid, egid };
}

/** What dtrace(1) says of a program that it cannot enable. */
function failureOf({ clauses, script }: Omit<WrittenProgram, "words">, message: string): string {
  if (script !== undefined) return `dtrace: failed to compile script ${script}: ${message}`;
  return `dtrace: invalid probe specifier ${clauses.map(({ source }) => source).join(" ")}: ${message}`;
}

function makeConsumer(
  running: RunningProgram,
  options: ConsumerOptions,
  tracer: ProgramTracer,
  probes: ProgramProbes,
): ProgramConsumer {
  const context: ConversionContext = {
    resolver: probes.names,
    pid: tracer.session.targets[0]?.pid ?? 0,
    stackIndent: options.stackindent,
    clock: { zone: localZone },
  };
  const isTesting = readEnvironment(tracer.kernel).some((variable) => variable.startsWith("_DTRACE_TESTING="));
  const writer = tracer.format === "ndjson"
    ? new JsonWriter(options, context)
    : new TextWriter(options, context, isTesting);
  const refuse = (action: string) => tracer.say(`dtrace: ${action} is not supported yet\n`);
  return new ProgramConsumer(running, options, writer, context, {
    write: tracer.write,
    say: tracer.say,
    system: (command) => runCommand(command, tracer.say),
    reopen: () => refuse("freopen()"),
    truncate: () => refuse("ftruncate()"),
    setOption: (name) => isConsumerOption(name) ? undefined : "Invalid option name",
  });
}

function describeMatches(
  { clauses, script }: WrittenProgram,
  program: Program,
  counts: readonly number[],
  { say }: ProgramTracer,
): void {
  const matched = (what: string, count: number) =>
    say(`dtrace: ${what} matched ${count} probe${count === 1 ? "" : "s"}\n`);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (script !== undefined) matched(`script '${script}'`, total);
  else if (clauses.length === program.clauses.length) {
    clauses.forEach(({ kind, name }, index) => matched(`${kind} '${name}'`, counts[index]!));
  } else matched(`description '${clauses.map(({ name }) => name).join(" ")}'`, total);
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

/** Runs a command by the shell, and waits for it. */
function runCommand(command: Uint8Array<ArrayBuffer>, say: (text: string) => void): void {
  const args = ["-c", new TextDecoder().decode(command)];
  try {
    new Deno.Command("/bin/sh", { args, stdin: "inherit", stdout: "inherit", stderr: "inherit" }).outputSync();
  } catch (error) {
    say(`dtrace: failed to run ${args[1]}: ${(error as Error).message}\n`);
  }
}
