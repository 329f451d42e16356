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
import { openKernel, openKernelFromBytes } from "./ffi/ffi.ts";
import { cutArguments } from "./lib/consumer/argument_tokens.ts";
import { ProbeCounter } from "./lib/consumer/counts.ts";
import { formatEnvironment, formatPermission } from "./lib/consumer/doctor.ts";
import { ExitCode, exitCodeOf, formatFailure, formatMessage, PermissionError } from "./lib/consumer/failure.ts";
import { formatDetails, formatListingRow, LISTING_HEADER } from "./lib/consumer/listing.ts";
import { NdjsonFormatter } from "./lib/consumer/ndjson.ts";
import { type CommandOptions, OPTION_TYPES, readOptions } from "./lib/consumer/options.ts";
import { NdjsonPrinter, TextPrinter } from "./lib/consumer/printer.ts";
import { formatStats, formatStatsObject } from "./lib/consumer/stats.ts";
import type { TraceTotals } from "./lib/consumer/ndjson.ts";
import { TargetReport } from "./lib/consumer/target_report.ts";
import { formatMatched, formatTotals } from "./lib/consumer/text.ts";
import { describeStaticFile } from "./lib/consumer/usdt.ts";
import { isUsdtCommand, readUsdtOptions, type UsdtOptions } from "./lib/consumer/usdt_options.ts";
import { USAGE } from "./lib/consumer/usage.ts";
import { CompileError } from "./lib/d/compile_error.ts";
import { SystemError } from "./lib/errors.ts";
import { findObstacle, judge, judgeEnvironment } from "./lib/process/permission.ts";
import type { Enabled } from "./lib/session/enabled.ts";
import { Session } from "./lib/session/session.ts";
import type { Target } from "./lib/session/target.ts";
import type { ProbeDescription } from "./lib/spec/probe_description.ts";

/** What ends a trace. */
const SIGNALS: readonly Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];
/** How many warnings are printed; a glob can match thousands of probes that cannot be placed for one reason. */
const WARNINGS_LIMIT = 20;

/** What `-l` says of processes without static probes. */
const NOTHING_TO_LIST = "there are no static probes; -n 'pid$target:a.out::entry' lists functions";

/** How long to wait until a pipe that cannot be waited for has room again. */
const RETRY_MS = 5;

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
    if (options.mode === "version") return await print(`fasttrap ${manifest.version}\n`);
    await askPermissions(options);
    if (options.mode === "trace" && options.program !== undefined) return await runProgram(options, library);
    return await { doctor, list, trace }[options.mode](options, library);
  } catch (error) {
    // It has been said in dtrace's words.
    if (error instanceof CompileError) return ExitCode.failure;
    say(formatFailure(error));
    return exitCodeOf(error);
  }
}

/** Asks for what the command needs: on a terminal Deno prompts, elsewhere it refuses what was not given. */
async function askPermissions(options: Pick<CommandOptions, "commands" | "output">): Promise<void> {
  const ask = async (descriptor: Deno.PermissionDescriptor, request: string, flag: string) => {
    const { state } = await Deno.permissions.request(descriptor);
    if (state !== "granted") throw new PermissionError(`Cannot ${request}: Deno refuses it without ${flag}`);
  };
  await ask({ name: "ffi" }, "call the C library", "--allow-ffi");
  for (const [program] of options.commands) {
    await ask({ name: "run", command: program! }, `start "${program}"`, "--allow-run");
  }
  const path = options.output;
  if (path !== undefined) await ask({ name: "write", path }, `write to "${path}"`, `--allow-write=${path}`);
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
      const found = expand(description.fields, session).map((target) =>
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
  const totals = totalsOf(enabled, options.count ? undefined : eventsTotal);
  await output.write(printer.formatEnd(totals, counter.sorted()));
  if (!output.closed) tell(formatTotals(totals, enabled.reduce((sum, { unplaced }) => sum + unplaced.length, 0)));
  return ExitCode.done;
}

/** What there was in all. Hits that are not counted only are lost if they have not become events. */
function totalsOf(enabled: readonly Enabled[], eventsTotal: number | undefined): TraceTotals {
  const hitsTotal = enabled.reduce((sum, each) => sum + each.hitsTotal, 0);
  const ring = enabled.reduce((sum, { dropsTotal }) => sum + dropsTotal, 0);
  const end = hitsTotal - (eventsTotal ?? hitsTotal);
  return { hitsTotal: hitsTotal - end, drops: { ...ring > 0 && { ring }, ...end > 0 && { end } } };
}

/** Traces with a D program. */
async function runProgram(options: CommandOptions, library: Library): Promise<number> {
  // The language is a third of the command, and takes as long to load; only programs wait for it.
  const { traceProgram } = await import("./trace_program.ts");
  using output = new Output(options.output);
  using kernel = library === undefined ? openKernel() : openKernelFromBytes(library);
  const interruption = new Interruption();
  const waiting = Promise.withResolvers<void>();
  const session = interruption.session = openSession(options, library);
  await using _ = session;
  const report = new TargetReport(startTargets(session, options), { followed: options.follow });
  const tell = options.quiet ? () => {} : say;
  const status = await traceProgram(options.program!, {
    session,
    kernel,
    settings: options.settings,
    format: options.format,
    allowNone: options.allowNone,
    interrupted: () => interruption.requested,
    stopWaiting: waiting.resolve,
    wait: () => interruption.unless(waiting.promise),
    write: (bytes) => void output.writeBytes(bytes),
    say,
    report: () => tell(report.update()),
  });
  await output.write("");
  return status;
}

/** Dumps the tables, if that is asked for: into the trace if it is for programs, else to standard error. */
async function dumpStats(options: CommandOptions, session: Session, output: Output): Promise<void> {
  if (!options.stats) return;
  const stats = session.stats();
  if (options.format === "ndjson") await output.write(formatStatsObject(stats));
  else say(formatStats(stats));
}

/** Prints the probes that the descriptions match. */
async function list(options: CommandOptions, library: Library): Promise<number> {
  using output = new Output(options.output);
  const json = options.format === "ndjson" ? new NdjsonFormatter() : undefined;
  const rows = [json === undefined ? LISTING_HEADER : ""];
  {
    await using session = openSession(options, library);
    startTargets(session, options);
    for (const { fields } of options.descriptions) {
      for (const target of expand(fields, session)) {
        for (const probe of session.list(fields, { ...options, target })) {
          const details = options.verbose ? session.inspect(probe) : undefined;
          rows.push(json?.formatProbe(probe, details) ?? formatListingRow(probe));
          if (json === undefined && details !== undefined) rows.push(formatDetails(details));
        }
      }
    }
  }
  await output.write(rows.join(""));
  if (options.listsAll && rows.length === 1) say(formatMessage(NOTHING_TO_LIST));
  return ExitCode.done;
}

/** Prints what a file says of static probes. */
async function usdt(options: UsdtOptions, library: Library): Promise<number> {
  if (options.help) return await print(USAGE);
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
  const stdout = options.format === "ndjson" && options.output === undefined ? 2 : 1;
  return [
    ...options.pids.map((pid) => session.attach(pid)),
    ...options.commands.map(([program, ...args]) => session.spawn(program!, { args, stdout, moment: options.moment })),
  ];
}

/** What `$target` means in a description, one after the other: dtrace(1) knows one target only, we know several. */
function expand({ provider }: ProbeDescription, { targets }: Session): (number | undefined)[] {
  return targets.length > 0 && /\$target\b/.test(provider) ? targets.map(({ pid }) => pid) : [undefined];
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

/** Where the trace goes. Texts are written whole and in order. */
class Output implements Disposable {
  /** Whether nobody reads it any more. That is how `| head` ends a trace, and no failure. */
  closed = false;
  readonly #file: typeof Deno.stdout | Deno.FsFile;
  #last: Promise<void> = Promise.resolve();

  constructor(path: string | undefined) {
    try {
      // dtrace(1) appends as well.
      this.#file = path === undefined ? Deno.stdout : Deno.openSync(path, { append: true, create: true });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const { code } = error as Error & { code?: string };
      throw new SystemError(code ?? error.message, "open", `output file "${path}"`, { cause: error });
    }
  }

  /** Writes behind what was written before. The thread is free meanwhile: whoever reads may be slow, or stuck. */
  write(text: string): Promise<void> {
    return this.writeBytes(new TextEncoder().encode(text));
  }

  /** Writes bytes as they are. */
  writeBytes(bytes: Uint8Array): Promise<void> {
    return this.#last = this.#last.then(() => this.#write(bytes));
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0 && !this.closed;) {
      try {
        rest = rest.subarray(await this.#file.write(rest));
      } catch (error) {
        if (error instanceof Deno.errors.BrokenPipe) this.closed = true;
        // A full pipe that whoever made it has set to O_NONBLOCK.
        else if (error instanceof Deno.errors.WouldBlock) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        else throw error;
      }
    }
  }

  [Symbol.dispose](): void {
    if (this.#file instanceof Deno.FsFile) this.#file.close();
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
