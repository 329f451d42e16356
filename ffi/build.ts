/**
 * Compiles the C library and the programs that the tests trace, skipping what is up to date.
 *
 * ```
 * deno run --allow-read --allow-write=build --allow-run=cc ffi/build.ts
 * ```
 *
 * Without arguments it makes `build/libfasttrap.so` and, from each `NAME.c` or `NAME.S` in `tests/targets`,
 * `tests/ffi` and `bench`, the program `build/targets/NAME`. A target that needs more than the usual flags names them in a
 * comment among its first lines, `// cc: -O0 -no-pie -static`; they follow the source, so that libraries may stand among
 * them.
 *
 * `--sanitize` makes `build/asan/libfasttrap.so`, which checks itself for wrong addresses and undefined behaviour.
 * `--cross` compiles nothing and asks the cross compiler whether the library is valid for aarch64.
 *
 * @module
 */

/** The repository. */
const ROOT = new URL("../", import.meta.url).pathname;

/** Where programs for tests are, each with a name of its own. */
const TARGET_FOLDERS = ["tests/targets", "tests/ffi", "bench"];

/** Compilers at work at the same time. */
const PARALLEL = 2;

/** Lines of a target in which its flags are looked for. */
const FLAG_LINES = 20;

const STRICT_FLAGS = "-std=c11 -Wall -Wextra -Werror -Wconversion -Wshadow -fvisibility=hidden".split(" ");
const LIBRARY_FLAGS = [...STRICT_FLAGS, "-O2", "-fPIC", "-shared"];
const SANITIZE_FLAGS = [
  ...[...STRICT_FLAGS, "-O1", "-g", "-fPIC", "-shared", "-fno-omit-frame-pointer"],
  ...["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
];
const TARGET_FLAGS = "-std=gnu11 -Wall -Wextra -O1 -g".split(" ");

const CROSS_COMPILER = "aarch64-linux-gnu-gcc";

/** One file to be made; paths are relative to the repository. */
interface Job {
  readonly output: string;
  /** Files whose change makes the output old. */
  readonly inputs: readonly string[];
  /** The compiler's arguments, but for the output. */
  readonly args: readonly string[];
}

/** What the user has to put right; printed without a stack. */
class BuildError extends Error {
  override readonly name = "BuildError";
}

/** The files of a folder with one of these extensions, sorted. */
function filesOf(folder: string, extensions: readonly string[]): string[] {
  return [...Deno.readDirSync(ROOT + folder)]
    .filter((entry) => entry.isFile && extensions.some((extension) => entry.name.endsWith(extension)))
    .map((entry) => `${folder}/${entry.name}`)
    .sort();
}

/** The C library, plain or sanitized. */
function libraryJob(output: string, flags: readonly string[]): Job {
  const sources = filesOf("ffi", [".c"]);
  return { output, inputs: [...sources, ...filesOf("ffi", [".h"]), "ffi/build.ts"], args: [...flags, ...sources] };
}

/** The programs that the tests trace or run. */
function targetJobs(): Job[] {
  return TARGET_FOLDERS.flatMap((folder) => {
    const headers = filesOf(folder, [".h"]);
    return filesOf(folder, [".c", ".S"]).map((source) => ({
      output: `build/targets/${source.slice(folder.length + 1).replace(/\.\w+$/, "")}`,
      inputs: [source, ...headers, "ffi/build.ts"],
      args: [...TARGET_FLAGS, source, ...ownFlags(source)],
    }));
  });
}

/** The flags that a target asks for in its first lines. */
function ownFlags(source: string): string[] {
  const head = Deno.readTextFileSync(ROOT + source).split("\n", FLAG_LINES).join("\n");
  const flags = /^\W*cc:(.*?)(?:\*\/)?$/m.exec(head)?.[1]?.trim();
  return flags ? flags.split(/\s+/) : [];
}

/** When a file changed, in ms; -1 when there is none. */
function changedAt(path: string): number {
  try {
    return Deno.statSync(ROOT + path).mtime?.getTime() ?? -1;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return -1;
    throw error;
  }
}

/** Whether an output is newer than all that it was made from. */
function isUpToDate(job: Job): boolean {
  const made = changedAt(job.output);
  return job.inputs.every((input) => changedAt(input) < made);
}

/** Runs a compiler in the repository and returns whether it succeeded, and what it said. */
async function compile(compiler: string, args: readonly string[]): Promise<{ success: boolean; said: string }> {
  const { success, stderr } = await new Deno.Command(compiler, { args: [...args], cwd: ROOT, stdout: "null" }).output();
  return { success, said: new TextDecoder().decode(stderr).trimEnd() };
}

/** Makes one file. Another build may be making it too, so that it appears under its name only when it is whole. */
async function make(job: Job): Promise<void> {
  const unfinished = `${job.output}.${Deno.pid}`;
  Deno.mkdirSync(ROOT + job.output.replace(/\/[^/]*$/, ""), { recursive: true });
  const { success, said } = await compile("cc", [...job.args, "-o", unfinished]).catch(explainMissingCompiler);
  if (!success) throw new BuildError(`Cannot compile ${job.output}:\n${said}`);
  Deno.renameSync(ROOT + unfinished, ROOT + job.output);
  console.log(said === "" ? `compiled ${job.output}` : `compiled ${job.output}:\n${said}`);
}

/** Turns the failure to start `cc` into advice. A permission for a command that does not exist counts as refused. */
function explainMissingCompiler(error: unknown): never {
  if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) {
    throw new BuildError("Cannot compile: there is no C compiler `cc`\nhint: apt-get install -y gcc libc6-dev");
  }
  throw error;
}

/** Makes what is old, some at a time; the first failure ends the build when those under way are through. */
async function makeAll(jobs: readonly Job[]): Promise<void> {
  const waiting = jobs.filter((job) => !isUpToDate(job));
  const worker = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      try {
        await make(job);
      } catch (error) {
        waiting.length = 0;
        throw error;
      }
    }
  };
  for (const result of await Promise.allSettled(Array.from({ length: PARALLEL }, worker))) {
    if (result.status === "rejected") throw result.reason;
  }
}

/** Checks the library's source for aarch64. */
async function checkCross(): Promise<void> {
  try {
    const { success, said } = await compile(CROSS_COMPILER, [
      ...STRICT_FLAGS,
      "-fsyntax-only",
      ...filesOf("ffi", [".c"]),
    ]);
    if (!success) throw new BuildError(`Cannot compile for aarch64:\n${said}`);
    console.log("ffi/*.c is valid for aarch64");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable)) throw error;
    console.log(
      `skipped the check for aarch64: there is no ${CROSS_COMPILER}\n` +
        "hint: apt-get install -y gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    );
  }
}

/** Does what the arguments say. */
async function main(args: readonly string[]): Promise<void> {
  const [mode, ...rest] = args;
  if (rest.length === 0 && mode === undefined) {
    await makeAll([libraryJob("build/libfasttrap.so", LIBRARY_FLAGS), ...targetJobs()]);
  } else if (rest.length === 0 && mode === "--sanitize") {
    await makeAll([libraryJob("build/asan/libfasttrap.so", SANITIZE_FLAGS)]);
  } else if (rest.length === 0 && mode === "--cross") {
    await checkCross();
  } else {
    throw new BuildError("usage: ffi/build.ts [--sanitize | --cross]");
  }
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    Deno.exitCode = 1;
  }
}
