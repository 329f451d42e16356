/**
 * Running a real program twice, untraced and traced, so that a test can compare what it printed and how it ended; and
 * counting calls by means that have nothing to do with this project.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { closeSync, openSync } from "node:fs";
import { type Enabled, type Hit, type HitRecord, type ProbeIdentity, Session, type Unplaced } from "../../mod.ts";
import { SOAK } from "../support.ts";

/** The whole environment of the programs, so that they do the same on every machine. */
export const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: `${Deno.env.get("PATH")}:/usr/sbin:/usr/bin:/sbin:/bin`,
  HOME: "/tmp",
  LC_ALL: "C",
};
/** How long a traced program may run, in ms; far more than any of them needs. */
const RUN_LIMIT_MS = 60_000 * SOAK;
/** A number of hits that no program reaches, so that gdb counts them all without stopping. */
const IGNORE_COUNT = 1e9;

/** What a finished program has left behind. */
export interface Outcome {
  /** As a shell sees it: the exit code, or 128 and the signal. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program is started. */
export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** How a program is traced. */
export interface TraceOptions<Name extends string> extends ProgramOptions {
  /** What to do at each hit; nothing by default. */
  readonly handlers?: { readonly [name in Name]?: (session: Session, hit: Hit) => void };
  /** What to do with what was recorded of each hit; instead of handlers. */
  readonly recorders?: { readonly [name in Name]?: (record: HitRecord) => void };
  /** Whether a description may match nothing at first. */
  readonly allowNone?: boolean;
  /** Whether hits are only counted, by jumps where that can be. */
  readonly count?: boolean;
}

/** A traced run. */
export interface TracedRun<Name extends string> {
  readonly outcome: Outcome;
  /** The hits of each description. */
  readonly hits: Readonly<Record<Name, number>>;
  /** The hits of each probe that has any, by its function and name. */
  readonly counts: ReadonlyMap<string, number>;
  /** How many probes each description has matched. */
  readonly probes: Readonly<Record<Name, number>>;
  readonly unplaced: readonly Unplaced[];
  /** Why sites are no jumps, by the places and names of their probes; undefined for those that are jumps. */
  readonly ways: ReadonlyMap<string, string | undefined>;
  readonly warnings: readonly string[];
}

/**
 * Says which of some programs are not installed.
 *
 * @param programs Their names or paths.
 * @returns The reason not to run a test, for its name; undefined if all are there.
 */
export function missing(...programs: readonly string[]): string | undefined {
  const folders = ENVIRONMENT["PATH"]!.split(":");
  const absent = programs.filter((program) =>
    !(program.includes("/") ? [program] : folders.map((folder) => `${folder}/${program}`)).some(exists)
  );
  return absent.length === 0 ? undefined : `no ${absent.join(" and no ")} here`;
}

/** Declares a test that is ignored, with the reason in its name, where a program is missing. */
export function testWith(programs: readonly string[], name: string, body: () => Promise<void> | void): void {
  testUnless(missing(...programs), name, body);
}

/** Declares a test that is ignored if there is a reason, with that in its name. */
export function testUnless(reason: string | undefined, name: string, body: () => Promise<void> | void): void {
  Deno.test({
    name: reason === undefined ? name : `${name} (ignored: ${reason})`,
    ignore: reason !== undefined,
    fn: body,
  });
}

/** Runs a program untraced. */
export function runUntraced(command: readonly string[], options: ProgramOptions = {}): Outcome {
  const output = new Deno.Command(command[0]!, {
    args: command.slice(1),
    clearEnv: true,
    env: { ...ENVIRONMENT, ...options.env },
    cwd: options.cwd ?? "/tmp",
    stdin: "null",
  }).outputSync();
  const decoder = new TextDecoder();
  return { status: output.code, stdout: decoder.decode(output.stdout), stderr: decoder.decode(output.stderr) };
}

/** Runs a program from its start to its end with probes. */
export async function runTraced<Name extends string>(
  command: readonly string[],
  descriptions: Readonly<Record<Name, string>>,
  options: TraceOptions<Name> = {},
): Promise<TracedRun<Name>> {
  using files = new OutputFiles();
  const warnings: string[] = [];
  await using session = new Session({ onWarning: (message) => warnings.push(message) });
  const target = session.spawn(command[0]!, {
    args: command.slice(1),
    env: Object.entries({ ...ENVIRONMENT, ...options.env }).map(([key, value]) => `${key}=${value}`),
    cwd: options.cwd ?? "/tmp",
    stdin: files.input,
    stdout: files.output,
    stderr: files.error,
  });
  const timer = setTimeout(() => Deno.kill(target.pid, "SIGKILL"), RUN_LIMIT_MS);
  try {
    const names = Object.keys(descriptions) as Name[];
    const { allowNone = false, count = false } = options;
    const counts = new Map<string, number>();
    const add = (probe: ProbeIdentity, hits: number) => {
      const key = `${probe.function}:${probe.name}`;
      counts.set(key, (counts.get(key) ?? 0) + hits);
    };
    const enabled = names.map((name) => {
      if (count) return session.enable(descriptions[name], { count, allowNone });
      if (options.recorders !== undefined) {
        const record = (hit: HitRecord) => {
          add(hit.probe, 1);
          options.recorders?.[name]?.(hit);
        };
        return session.enable(descriptions[name], { record, allowNone });
      }
      const handler = (hit: Hit) => {
        add(hit.probe, 1);
        options.handlers?.[name]?.(session, hit);
      };
      return session.enable(descriptions[name], { handler, allowNone });
    });
    const ways = waysOf(session, enabled);
    await session.run();
    if (count) { for (const each of enabled) for (const [probe, hits] of each.counts) if (hits > 0) add(probe, hits); }
    const { code, signal } = target.end!;
    const table = (value: (i: number) => number) =>
      Object.fromEntries(names.map((name, i) => [name, value(i)])) as Record<Name, number>;
    return {
      outcome: { status: code ?? 128 + signal!, ...files.read() },
      counts,
      hits: table((i) => enabled[i]!.hitsTotal),
      probes: table((i) => enabled[i]!.probes.length),
      unplaced: enabled.flatMap(({ unplaced }) => unplaced),
      ways,
      warnings,
    };
  } finally {
    clearTimeout(timer);
    if (target.alive) Deno.kill(target.pid, "SIGKILL");
  }
}

function waysOf(session: Session, enabled: readonly Enabled[]): Map<string, string | undefined> {
  const names = new Map(enabled.flatMap(({ probes }) => probes.map((probe) => [probe.id, probe.name])));
  return new Map(
    session.stats().tracepoints.entries.map(({ pc, before, after, trapReason }) => [
      `${pc.toString(16)} ${[...before, ...after].map((id) => names.get(id)).join(" ")}`,
      trapReason,
    ]),
  );
}

/** Runs a program both ways, asserts that nobody can tell the difference, and returns the traced run. */
export async function runBoth<Name extends string>(
  command: readonly string[],
  descriptions: Readonly<Record<Name, string>>,
  options: TraceOptions<Name> = {},
): Promise<TracedRun<Name>> {
  const untraced = runUntraced(command, options);
  const traced = await runTraced(command, descriptions, options);
  assertEquals(traced.outcome, untraced);
  return traced;
}

/**
 * Counts calls of functions in a shared object with gdb.
 *
 * @param command The program.
 * @param library What the object's path contains; counting begins when it is loaded.
 * @param functions The functions.
 * @returns The count of each.
 */
export function countWithGdb<Name extends string>(
  command: readonly string[],
  library: string,
  functions: readonly Name[],
): Record<Name, number> {
  const commands = [
    // Without a shell the program has the environment that it is to have, and the same first instructions.
    ...["set startup-with-shell off", "unset environment LINES", "unset environment COLUMNS"],
    ...[`catch load ${library}`, "run", "delete 1"],
    ...functions.flatMap((name) => [`break *${name}`, `ignore $bpnum ${IGNORE_COUNT}`]),
    ...["continue", "info breakpoints"],
  ];
  const args = ["-nx", "-batch", ...commands.flatMap((line) => ["-ex", line]), "--args", ...command];
  const { stdout, stderr } = runUntraced(["gdb", ...args]);
  const table = stdout.slice(stdout.lastIndexOf("\nNum "));
  const counts = table.split(/\n(?=\d+ )/).slice(1).map((row) => Number(/already hit (\d+) time/.exec(row)?.[1] ?? 0));
  assertEquals(counts.length, functions.length, stdout.slice(-500) + stderr);
  return Object.fromEntries(functions.map((name, i) => [name, counts[i]!])) as Record<Name, number>;
}

/** A folder for what tests compile and for files of their programs; it goes at the end. */
export class Workshop implements Disposable {
  /** The folder. */
  readonly path = Deno.makeTempDirSync({ prefix: "fasttrap-programs-" });

  /**
   * Compiles a program of `sources/`.
   *
   * @param compiler The compiler, with its options.
   * @param source The file.
   * @returns The program's path.
   */
  compile(compiler: readonly string[], source: string): string {
    const output = `${this.path}/${source.replace(/\W/g, "_")}_${compiler.join("").replace(/\W/g, "")}`;
    const from = new URL(`sources/${source}`, import.meta.url).pathname;
    const [name, ...options] = compiler;
    const place = options.includes("-d") ? [] : ["-o", output];
    const { success, stderr } = new Deno.Command(name!, { args: [...options, ...place, from] }).outputSync();
    assertEquals(success, true, new TextDecoder().decode(stderr));
    return output;
  }

  /** Writes a file and returns its path. */
  write(name: string, text: string): string {
    Deno.writeTextFileSync(`${this.path}/${name}`, text);
    return `${this.path}/${name}`;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Files that a traced program has as its standard descriptors. */
export class OutputFiles implements Disposable {
  readonly #folder = Deno.makeTempDirSync({ prefix: "fasttrap-output-" });
  /** The descriptors, to be given to the program. */
  readonly input = openSync("/dev/null", "r");
  readonly output = openSync(`${this.#folder}/stdout`, "w");
  readonly error = openSync(`${this.#folder}/stderr`, "w");

  /** What the program has written until now. */
  read(): { stdout: string; stderr: string } {
    return {
      stdout: Deno.readTextFileSync(`${this.#folder}/stdout`),
      stderr: Deno.readTextFileSync(`${this.#folder}/stderr`),
    };
  }

  [Symbol.dispose](): void {
    for (const fd of [this.input, this.output, this.error]) closeSync(fd);
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
