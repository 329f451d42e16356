/**
 * From what the command line says to a compiled D program: reads scripts, has them preprocessed, and knows what macro
 * variables and probes are.
 *
 * @module
 */

import { errnoName, type Kernel } from "../../ffi/ffi.ts";
import { DTraceError } from "../errors.ts";
import type { ConsumerOptions } from "../consumer/program/consumer_options.ts";
import { setConsumerOption } from "../consumer/program/consumer_options.ts";
import type { WrittenPart, WrittenProgram } from "../consumer/options.ts";
import { CompileError } from "../d/compile_error.ts";
import { compileProgram, type ProgramText } from "../d/compile.ts";
import type { Program } from "../d/tree.ts";
import { readStatus, readText } from "../process/proc_files.ts";
import type { Session } from "../session/session.ts";
import { TracerProbes } from "../session/program/tracer_probes.ts";
import type { ProbeDescription } from "../spec/probe_description.ts";

/** What is said instead of the names of errors. */
const ERRNO_TEXTS: Readonly<Record<string, string>> = {
  ENOENT: "No such file or directory",
  EACCES: "Permission denied",
  EISDIR: "Is a directory",
};

/** A D program that cannot be traced, in dtrace's words. */
export class ProgramError extends DTraceError {}

/** What a program is compiled for. */
export interface SourceContext {
  readonly session: Session;
  readonly kernel: Kernel;
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
export function compileWritten(source: WrittenProgram, options: ConsumerOptions, context: SourceContext): Program {
  const { kernel, session } = context;
  const texts = source.parts.map((part) => readPart(kernel, part));
  const script = source.parts.find(({ kind }) => kind === "script");
  try {
    return compileProgram(texts, {
      keepsTarget: true,
      macros: {
        arguments: [script?.name ?? "", ...source.words],
        variables: macrosOf(context),
        defaults: options.defaultargs,
      },
      strsize: options.strsize,
      prefersDescriptions: options.pspec,
      allowsEmpty: options.empty,
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

function readPart(kernel: Kernel, { kind, name, source, lastField }: WrittenPart): ProgramText {
  return { text: source ?? readScript(kernel, name), isFile: kind === "script", lastField };
}

function readScript(kernel: Kernel, path: string): string {
  const text = readText(kernel, path);
  if (text !== undefined) return text;
  const bytes = new TextEncoder().encode(`${path}\0`);
  const errno = errnoName(-kernel.call.ft_read_file(bytes, new Uint8Array(1), 1));
  throw new ProgramError("D_UNKNOWN", `dtrace: failed to open ${path}: ${ERRNO_TEXTS[errno] ?? errno}`);
}

/** The macro variables, besides the arguments. */
function macrosOf({ session, kernel }: SourceContext): Record<string, number | undefined> {
  const status = readStatus(kernel, "self");
  const [uid, euid] = status?.uid ?? [];
  const [gid, egid] = status?.gid ?? [];
  return { target: session.targets[0]?.pid, pid: Deno.pid, ppid: status?.ppid, uid, euid, gid, egid };
}

/** The types of the arguments that all probes of a description have; undefined if they have none, or different ones. */
function argumentTypesOf(session: Session, description: ProbeDescription): readonly string[] | undefined {
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
