/**
 * From what the command line says to a compiled D program: reads scripts, has them preprocessed, and knows what macro
 * variables and probes are.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import { DTraceError } from "../errors.ts";
import type { ConsumerOptions } from "../consumer/program/consumer_options.ts";
import { setConsumerOption } from "../consumer/program/consumer_options.ts";
import type { WrittenPart, WrittenProgram } from "../consumer/options.ts";
import { CompileError } from "../d/compile_error.ts";
import { compileProgram, type Library, type ProgramText } from "../d/compile.ts";
import type { Program } from "../d/tree.ts";
import { listDirectory, readStatus, readText } from "../process/proc_files.ts";
import type { Session } from "../session/session.ts";
import { formatMessage } from "../consumer/failure.ts";
import { preprocess } from "./preprocessor.ts";
import { ProgramError, textOfErrno } from "../consumer/program_error.ts";
import { ProcessFacts } from "../session/program/process_facts.ts";
import { TracerProbes } from "../session/program/tracer_probes.ts";
import type { ProbeDescription } from "../spec/probe_description.ts";
import { parseAttributes } from "../spec/stability.ts";
import { errnoName } from "../system_names.ts";

/** The providers that need no static probes. */
const OWN_PROVIDERS: ReadonlySet<string> = new Set(["dtrace", "objc", "oneshot", "pid", "profile"]);

/** What a program is compiled for. */
export interface SourceContext {
  readonly session: Session;
  readonly kernel: Kernel;
  /** Says something on standard error. */
  readonly say: (text: string) => void;
}

/**
 * Compiles a program.
 *
 * @param source The program as it was written.
 * @param options The options, which the program may set.
 * @param context What it is compiled for.
 * @returns The program.
 * @throws {ProgramError} If it does not compile.
 */
export async function compileWritten(
  source: WrittenProgram,
  options: ConsumerOptions,
  context: SourceContext,
): Promise<Program> {
  const { kernel, session } = context;
  const texts: ProgramText[] = [];
  for (const part of source.parts) texts.push(await readPart(kernel, part, options));
  const script = source.parts.find(({ kind }) => kind === "script");
  try {
    return compileProgram(texts, {
      keepsTarget: true,
      macros: {
        arguments: [script?.name ?? "dtrace", ...source.words],
        variables: macrosOf(context),
        defaults: options.defaultargs,
      },
      strsize: options.strsize,
      scratchsize: options.scratchsize,
      leastAttributes: parseAttributes(options.amin),
      prefersDescriptions: options.pspec,
      allowsEmpty: options.empty,
      libraries: options.nolibs ? [] : options.libdir.flatMap((folder) => readLibraries(context, folder)),
      isAvailable: (kind, name) => kind === "provider" && isProvider(session, name),
      describeProbe: (id) => new TracerProbes().numbered(id),
      argumentTypes: (description) => argumentTypesOf(session, description),
      optionProblem: (option) => setConsumerOption(options, option.name, option.value),
    });
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    throw programError(source.parts[error.place.part ?? 0]!, error, options);
  }
}

/**
 * Says what dtrace(1) says of a program that does not compile, or whose probes cannot be enabled.
 *
 * @param part The part of the program.
 * @param error What is wrong.
 * @param options Whether tags are printed.
 * @param line The line of a script, if the error does not say it.
 * @returns The error.
 */
export function programError(
  { kind, name, source }: WrittenPart,
  error: DTraceError,
  options: ConsumerOptions,
  line?: number,
): ProgramError {
  const place = kind === "script" && line !== undefined ? `line ${line}: ` : "";
  const text = `${options.errtags ? `[${error.tag}] ` : ""}${place}${error.message}`;
  const subject = kind === "script" ? `failed to compile script ${name}` : `invalid probe specifier ${source}`;
  return new ProgramError(error.tag, `dtrace: ${subject}: ${text}`, { hint: error.hint, cause: error });
}

async function readPart(
  kernel: Kernel,
  { kind, name, source, lastField }: WrittenPart,
  options: ConsumerOptions,
): Promise<ProgramText> {
  if (source !== undefined) return { text: source, isFile: false, lastField };
  const text = readScript(kernel, name);
  if (!options.cpp) return { text, isFile: kind === "script", lastField };
  const preprocessed = await preprocess(name, text, options);
  if ("text" in preprocessed) return { text: preprocessed.text, isFile: true, lastField };
  throw new ProgramError("D_UNKNOWN", `dtrace: failed to compile script ${name}: ${preprocessed.problem}`);
}

/** Reads the D libraries of a folder. */
function readLibraries({ kernel, say }: SourceContext, folder: string): Library[] {
  const names = listDirectory(kernel, folder);
  if (names === undefined) say(formatMessage(`there is no folder of D libraries "${folder}"`));
  return (names ?? []).filter((name) => name.endsWith(".d")).sort().map((name) => {
    const path = `${folder}/${name}`;
    return { name, path, source: readScript(kernel, path) };
  });
}

/** Tells whether there is a provider: our own, or one of static probes in a target. */
function isProvider(session: Session, name: string): boolean {
  if (OWN_PROVIDERS.has(name)) return true;
  const description = { provider: `${name}*`, module: "", function: "", name: "" };
  return session.list(description, { allowNone: true })
    .some(({ provider }) => provider.startsWith(name) && /^[0-9]+$/.test(provider.slice(name.length)));
}

function readScript(kernel: Kernel, path: string): string {
  const text = readText(kernel, path);
  if (text !== undefined) return text;
  const bytes = new TextEncoder().encode(`${path}\0`);
  const errno = errnoName(-kernel.call.ft_read_file(bytes, new Uint8Array(1), 1));
  throw new ProgramError("D_UNKNOWN", `dtrace: failed to open ${path}: ${textOfErrno(errno)}`);
}

/** The macro variables, besides the arguments. */
function macrosOf({ session, kernel }: SourceContext): Record<string, number | undefined> {
  const status = readStatus(kernel, "self");
  const [uid, euid] = status?.uid ?? [];
  const [gid, egid] = status?.gid ?? [];
  const facts = new ProcessFacts(kernel);
  const pgid = facts.number("curpsinfo.pr_pgid", Deno.pid, Deno.pid);
  const sid = facts.number("curpsinfo.pr_sid", Deno.pid, Deno.pid);
  return { target: session.targets[0]?.pid, pid: Deno.pid, ppid: status?.ppid, pgid, sid, uid, euid, gid, egid };
}

/**
 * Finds the types of the arguments that all probes of a description have.
 *
 * @param session Where the probes are.
 * @param description The description.
 * @returns The types; undefined if they have none, or different ones.
 */
export function argumentTypesOf(session: Session, description: ProbeDescription): readonly string[] | undefined {
  let types: readonly string[] | undefined;
  try {
    const targets = description.provider.includes("$target") ? session.targets.map(({ pid }) => pid) : [undefined];
    for (const target of targets) {
      for (const { argumentTypes } of session.list(description, { allowNone: true, target })) {
        types ??= argumentTypes;
        if (argumentTypes === undefined || argumentTypes.join() !== types!.join()) return undefined;
      }
    }
  } catch (error) {
    // What is wrong with the description is said when it is enabled.
    if (!(error instanceof DTraceError)) throw error;
  }
  return types;
}
