/**
 * The command: dtrace(1)'s options, output and habits. `--help` says what there is.
 *
 * *Order.* The command line is read and Deno's permissions are asked for before anything is touched: a command that
 * cannot be carried out attaches nothing, starts nothing and makes no file. Then come the output, the session, the
 * targets and the probes.
 *
 * *Ending.* Whatever happens, the targets are let go first and talked about afterwards: a terminal or a pipe that does
 * not take our last lines must not hold a target. The first SIGINT, SIGTERM or SIGHUP ends the trace, the second one
 * the command.
 *
 * *Streams.* The trace goes to standard output or to the file of `-o`, everything else to standard error. A program
 * that we start writes to our standard output, unless the trace is structured and goes there: then to standard error.
 *
 * @module
 */

import manifest from "./deno.json" with { type: "json" };
import { type Kernel, openKernel, openKernelFromBytes } from "./ffi/ffi.ts";
import { listProbes, targetsOf } from "./lib/command/list_probes.ts";
import { Output } from "./lib/command/output.ts";
import { askFor, askForPreprocessor } from "./lib/command/permissions.ts";
import { inWordsOfDtrace, ProgramError } from "./lib/consumer/program_error.ts";
import type { SourceContext } from "./lib/command/program_source.ts";
import { cutArguments } from "./lib/consumer/argument_tokens.ts";
import { ProbeCounter } from "./lib/consumer/counts.ts";
import { formatEnvironment, formatPermission } from "./lib/consumer/doctor.ts";
import { ExitCode, exitCodeOf, formatFailure, formatMessage } from "./lib/consumer/failure.ts";
import { type CommandOptions, OPTION_TYPES, readOptions, type WrittenOption } from "./lib/consumer/options.ts";
import { NdjsonPrinter, TextPrinter } from "./lib/consumer/printer.ts";
import {
  CONSUMER_DEFAULTS,
  makeConsumerOptions,
  settingsOfEnvironment,
} from "./lib/consumer/program/consumer_options.ts";
import { formatStats, formatStatsObject } from "./lib/consumer/stats.ts";
import type { TraceTotals } from "./lib/consumer/ndjson.ts";
import { formatHeader } from "./lib/consumer/provider_header.ts";
import { TargetReport } from "./lib/consumer/target_report.ts";
import { formatMatched, formatTotals } from "./lib/consumer/text.ts";
import { isUsdtCommand, readUsdtOptions, type UsdtOptions } from "./lib/consumer/usdt_options.ts";
import { USAGE } from "./lib/consumer/usage.ts";
import type { Program } from "./lib/d/tree.ts";
import { SystemError } from "./lib/errors.ts";
import { readEnvironment } from "./lib/process/proc_files.ts";
import { findObstacle, judge, judgeEnvironment } from "./lib/process/permission.ts";
import { SIGKILL } from "./lib/process/ptrace.ts";
import type { Enabled } from "./lib/session/enabled.ts";
import { kernelOf, Session } from "./lib/session/session.ts";
import type { Target } from "./lib/session/target.ts";

/** What ends a trace. */
const SIGNALS: readonly Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];
/** How many warnings are printed; a glob can match thousands of probes that cannot be placed for one reason. */
const WARNINGS_LIMIT = 20;

/** What `-l` says of processes without static probes. */
const NOTHING_TO_LIST = "there are no static probes; -n 'pid$target:a.out::entry' lists functions";

/** The C library as bytes, in the command that carries it in itself. */
type Library = Uint8Array<ArrayBuffer> | undefined;

/**
 * Runs the command that the arguments of the program ask for.
 *
 * @param library The C library, where it is embedded; by default it is loaded from `build/`.
 * @returns The exit code.
 */
export async function main(library?: Uint8Array<ArrayBuffer>): Promise<number> {
  try {
    const tokens = cutArguments(Deno.args, OPTION_TYPES);
    if (isUsdtCommand(tokens)) return await usdt(readUsdtOptions(tokens), library);
    const options = readOptions(tokens);
    if (options.mode === "help") return await print(USAGE);
    if (options.mode === "version") {
      return await print(`fasttrap ${manifest.version}, D ${CONSUMER_DEFAULTS.version}\n`);
    }
    await askPermissions(options);
    await askForPreprocessor(makeConsumerOptions(options.settings));
    const run = { doctor, list, trace, compile: runProgram, header }[options.mode];
    return await (run === trace && options.program !== undefined ? runProgram : run)(options, library);
  } catch (error) {
    if (error instanceof ProgramError) {
      // In dtrace's words, which scripts may read: what is added to them is for people.
      say(`${error.message}\n`);
      if (error.hint !== undefined && Deno.stderr.isTerminal()) say(`hint: ${error.hint}\n`);
      return ExitCode.failure;
    }
    say(formatFailure(error));
    return exitCodeOf(error);
  }
}

/** Asks for what the command needs. */
async function askPermissions({ commands, output: path }: Pick<CommandOptions, "commands" | "output">): Promise<void> {
  await askFor({ name: "ffi" }, "call the C library", "--allow-ffi");
  for (const [program] of commands) {
    await askFor({ name: "run", command: program! }, `start "${program}"`, "--allow-run");
  }
  if (path !== undefined) await askFor({ name: "write", path }, `write to "${path}"`, `--allow-write=${path}`);
}

/** Traces until the targets have ended or a signal comes. */
async function trace(options: CommandOptions, library: Library): Promise<number> {
  using output = new Output(options.output);
  const printer = options.format === "ndjson" ? new NdjsonPrinter() : new TextPrinter(options);
  const counter = new ProbeCounter();
  const enabled: Enabled[] = [];
  const tell = options.quiet ? () => {} : say;
  const interruption = new Interruption();
  let eventsTotal = 0;
  const session = interruption.session = openSession(options, library);
  {
    await using _ = session;
    const report = new TargetReport(startTargets(session, options), { followed: options.follow });
    for (const description of options.descriptions) {
      const found = targetsOf(description.fields, session).map((target) =>
        session.enable(description.fields, { allowNone: options.allowNone, target, count: options.count })
      );
      enabled.push(...found);
      tell(formatMatched(description, found.reduce((sum, { probes }) => sum + probes.length, 0)));
    }
    await dumpStats(options, session, output);
    if (!interruption.requested) {
      for await (const batch of session.batches()) {
        eventsTotal += batch.length;
        await interruption.unless(output.write(printer.format(batch)));
        tell(report.update());
        if (output.closed) break;
      }
    }
  }
  // What was recorded up to the moment when the targets were let go.
  const last = session.takeEvents();
  eventsTotal += last.length;
  await output.write(printer.format(last));
  await dumpStats(options, session, output);
  for (const { counts } of enabled) for (const [probe, hits] of counts) counter.add(probe, hits);
  const unreadable = session.unreadableByCpu.values().reduce((sum, count) => sum + count, 0);
  const totals = totalsOf(enabled, options.count ? undefined : eventsTotal, unreadable);
  await output.write(printer.formatEnd(totals, counter.sorted()));
  if (!output.closed) tell(formatTotals(totals, enabled.reduce((sum, { unplaced }) => sum + unplaced.length, 0)));
  return ExitCode.done;
}

/** What there was in all. Hits that are not counted only are lost if they have not become events. */
function totalsOf(enabled: readonly Enabled[], eventsTotal: number | undefined, unreadable: number): TraceTotals {
  const hitsTotal = enabled.reduce((sum, each) => sum + each.hitsTotal, 0);
  const ring = enabled.reduce((sum, { dropsTotal }) => sum + dropsTotal, 0);
  const end = hitsTotal - (eventsTotal ?? hitsTotal);
  const drops = { ...ring > 0 && { ring }, ...end > 0 && { end }, ...unreadable > 0 && { unreadable } };
  return { hitsTotal: hitsTotal - end, drops };
}

/** Traces with a D program. */
async function runProgram(options: CommandOptions, library: Library): Promise<number> {
  const { traceProgram } = await import("./lib/command/trace_program.ts");
  using output = openOutput(options);
  const interruption = new Interruption();
  const waiting = Promise.withResolvers<void>();
  const session = interruption.session = openSession(options, library);
  await using _ = session;
  const kernel = kernelOf(session);
  const targets = startTargets(session, options);
  const started = targets.slice(options.pids.length);
  const report = new TargetReport(targets, { followed: options.follow });
  const tell = options.quiet ? () => {} : say;
  try {
    return await traceProgram(options.program!, {
      session,
      kernel,
      settings: settingsOf(options, kernel),
      format: options.format,
      allowNone: options.allowNone,
      jumps: options.jumps,
      isDry: options.mode === "compile",
      verbose: options.verbose,
      interrupted: () => interruption.requested,
      stopWaiting: waiting.resolve,
      wait: () => interruption.unless(waiting.promise),
      output,
      say,
      report: () => tell(report.update()),
    });
  } finally {
    // As dtrace does, which lets only go what it has attached.
    for (const { pid } of started.filter(({ alive }) => alive)) kernel.call.ft_kill(0, pid, SIGKILL);
    await output.write("");
  }
}

/** What the environment and the command line say of the D program, in this order. */
function settingsOf({ settings }: CommandOptions, kernel: Kernel): WrittenOption[] {
  return [...settingsOfEnvironment(readEnvironment(kernel)), ...settings];
}

/** Compiles the D program. The language is imported here and where one is traced, for other commands do without it. */
async function compile(options: CommandOptions, context: SourceContext): Promise<Program> {
  const { compileWritten } = await import("./lib/command/program_source.ts");
  const consumerOptions = makeConsumerOptions(settingsOf(options, context.kernel));
  return await compileWritten(options.program!, consumerOptions, context);
}

/** Compiles the D program to see which probes it names, and how their hits can be had. */
async function plan(options: CommandOptions, context: SourceContext) {
  const { compileWritten } = await import("./lib/command/program_source.ts");
  const { planProgram } = await import("./lib/d/hit_plan.ts");
  const consumerOptions = makeConsumerOptions(settingsOf(options, context.kernel));
  const { clauses } = await compileWritten(options.program!, consumerOptions, context);
  return planProgram(clauses, consumerOptions.strsize);
}

/** Dumps the tables, if that is asked for: into the trace if it is for programs, else to standard error. */
async function dumpStats(options: CommandOptions, session: Session, output: Output): Promise<void> {
  if (!options.stats) return;
  const stats = session.stats();
  if (options.format === "ndjson") await output.write(formatStatsObject(stats));
  else say(formatStats(stats));
}

/** Writes a header by which programs fire the probes of the providers that a script declares. */
async function header(options: CommandOptions, library: Library): Promise<number> {
  const { name: script } = options.program!.parts.find(({ kind }) => kind === "script")!;
  const path = options.output ?? `${script.slice(script.lastIndexOf("/") + 1).replace(/\.d$/, "")}.h`;
  await askPermissions({ commands: [], output: path });
  await using session = openSession(options, library);
  const { providers } = await compile(options, { session, kernel: kernelOf(session), say });
  const text = formatHeader(providers, path.slice(path.lastIndexOf("/") + 1));
  try {
    await Deno.writeTextFile(path, text);
  } catch (error) {
    throw new SystemError((error as { code?: string }).code ?? "EIO", "write", `header "${path}"`, { cause: error });
  }
  return ExitCode.done;
}

/** Prints the probes that the descriptions match, or the clauses of a program. */
async function list(options: CommandOptions, library: Library): Promise<number> {
  using output = openOutput(options);
  let found;
  {
    await using session = openSession(options, library);
    startTargets(session, options);
    const planned = options.program === undefined
      ? { descriptions: options.descriptions.map(({ fields }) => fields) }
      : await plan(options, { session, kernel: kernelOf(session), say });
    found = listProbes({ ...options, ...planned, session });
  }
  await output.write(found.text);
  if (options.listsAll && found.count === 0) say(formatMessage(NOTHING_TO_LIST));
  return ExitCode.done;
}

/** Prints what a file says of static probes. What finds it out is imported here, for tracing does without it. */
async function usdt(options: UsdtOptions, library: Library): Promise<number> {
  if (options.help) return await print(USAGE);
  const { describeStaticFile } = await import("./lib/consumer/usdt.ts");
  await askPermissions({ commands: [], output: options.output });
  using output = new Output(options.output);
  using kernel = library === undefined ? openKernel() : openKernelFromBytes(library);
  const { text, problems } = describeStaticFile(kernel, options);
  await output.write(text);
  for (const problem of problems) say(formatFailure(problem));
  return problems.length === 0 ? ExitCode.done : exitCodeOf(problems[0]);
}

/** Says whether processes can be attached, or what is known without one. */
async function doctor(options: CommandOptions, library: Library): Promise<number> {
  using kernel = library === undefined ? openKernel() : openKernelFromBytes(library);
  if (options.pids.length === 0) {
    const { os, arch } = Deno.build;
    return await print(formatEnvironment(`fasttrap ${manifest.version} on ${os} ${arch}`, judgeEnvironment(kernel)));
  }
  let code: number = ExitCode.done;
  for (const pid of options.pids) {
    const permission = judge(kernel, pid);
    await print(formatPermission(permission));
    const obstacle = findObstacle(kernel, pid);
    if (!permission.allowed) code = obstacle === undefined ? ExitCode.permission : exitCodeOf(obstacle);
  }
  return code;
}

function openSession(options: CommandOptions, library: Library): Session {
  const warnings = new Set<string>();
  return new Session({
    library,
    signals: false,
    cpu: options.format === "text" && !options.count && !options.quiet,
    follow: options.follow,
    hashSize: options.hashSize,
    limit: options.limit,
    jumps: options.jumps,
    onWarning: (message) => {
      if (warnings.has(message) || warnings.size > WARNINGS_LIMIT) return;
      warnings.add(message);
      say(formatMessage(warnings.size > WARNINGS_LIMIT ? "further warnings are left out" : message));
    },
  });
}

/** Attaches to the processes and starts the programs. */
function startTargets(session: Session, options: CommandOptions): Target[] {
  const { moment } = options;
  const stdout = options.format === "ndjson" && options.output === undefined ? 2 : 1;
  return [
    ...options.pids.map((pid) => forProgram(options, `failed to grab pid ${pid}`, () => session.attach(pid))),
    ...options.commands.map(([program, ...args]) =>
      forProgram(options, `failed to execute ${program}`, () => session.spawn(program!, { args, stdout, moment }))
    ),
  ];
}

/** Opens where the trace goes. */
function openOutput(options: CommandOptions): Output {
  const { output } = options;
  return forProgram(options, `failed to open output file '${output}'`, () => new Output(output));
}

/** Does what a D program needs, if there is one, and says in dtrace's words what has failed. */
function forProgram<T>({ program }: CommandOptions, words: string, act: () => T): T {
  return program === undefined ? act() : inWordsOfDtrace(words, act);
}

/**
 * The user's wish to end the trace. It is listened for until the process ends: the signal that ends the target of a
 * terminal comes to us as well, and perhaps only when everything is over.
 */
class Interruption {
  /** Whether it was uttered. */
  requested = false;
  /** What it ends. */
  session: Session | undefined;
  #release: (() => void) | undefined;

  constructor() {
    for (const signal of SIGNALS) Deno.addSignalListener(signal, () => this.#request());
  }

  /** Waits for something, but not longer than until the end of the trace is wished. */
  async unless(work: Promise<void>): Promise<void> {
    if (this.requested) return;
    await new Promise<void>((resolve, reject) => {
      this.#release = resolve;
      work.then(resolve, reject);
    });
  }

  #request(): void {
    if (this.requested) {
      this.session?.[Symbol.dispose]();
      Deno.exit(ExitCode.done);
    }
    this.requested = true;
    this.session?.stop();
    this.#release?.();
  }
}

/** Writes to standard output. Returns the exit code of a command that does nothing else. */
async function print(text: string): Promise<number> {
  using output = new Output(undefined);
  await output.write(text);
  return ExitCode.done;
}

/** Writes to standard error; if that is closed or full, nobody wants to know. */
function say(text: string): void {
  try {
    for (let rest = new TextEncoder().encode(text); rest.length > 0;) {
      rest = rest.subarray(Deno.stderr.writeSync(rest));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.WouldBlock)) throw error;
  }
}

if (import.meta.main) Deno.exit(await main());
