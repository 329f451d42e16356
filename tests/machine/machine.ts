/**
 * A whole machine of another kind: a kernel, the repository and a Deno for aarch64 on what qemu-system-aarch64 emulates.
 *
 * It needs two files that nobody has by chance, in a folder that `FASTTRAP_AARCH64` names: `vmlinuz`, the kernel of Debian's
 * `linux-image-*-arm64`, and `deno`, that of the npm package `@deno/linux-arm64-glibc`, of the version that is used here.
 *
 * ```
 * apt-get download linux-image-6.1.0-56-arm64:arm64; dpkg -x linux-image-*.deb .; cp boot/vmlinuz-* vmlinuz
 * npm pack @deno/linux-arm64-glibc; tar -xzf deno-linux-arm64-glibc-*.tgz; cp package/deno .
 * ```
 *
 * @module
 */

import { assert } from "@std/assert";
import { Archive } from "./archive.ts";

/** The repository, which has the same path in the machine. */
export const ROOT: string = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");
const FOLDER = Deno.env.get("FASTTRAP_AARCH64");
const EMULATOR = "qemu-system-aarch64";
const COMPILER = "aarch64-linux-gnu-gcc";
/** Where the C library of the compiler is. */
const LIBRARIES = "/usr/aarch64-linux-gnu/lib";
const LIBRARY_NAMES = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "libpthread.so.0", "libdl.so.2", "librt.so.1"];
const LOADER = "ld-linux-aarch64.so.1";
/** What of the repository the machine gets. */
const SOURCES = ["lib", "ffi", "tests", "bench", "schema", "mod.ts", "cli.ts", "deno.json"];
/** Where the first lines of a program for tests say how it is compiled. */
const FLAG_LINES = 20;

/** Why there is no such machine here; undefined if there is. */
export const missing: string | undefined = await findMissing();

async function findMissing(): Promise<string | undefined> {
  if (FOLDER === undefined) return "FASTTRAP_AARCH64 names no folder with vmlinuz and deno";
  for (const path of [`${FOLDER}/vmlinuz`, `${FOLDER}/deno`, `${LIBRARIES}/${LOADER}`]) {
    if (await Deno.stat(path).catch(() => undefined) === undefined) return `no ${path}`;
  }
  for (const program of [EMULATOR, COMPILER]) {
    const started = new Deno.Command(program, { args: ["--version"] }).output();
    if (!(await started.catch(() => undefined))?.success) return `no ${program}`;
  }
  return undefined;
}

/** A machine that can be started. */
export class Machine implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Makes a machine.
   *
   * @param programs The sources of programs for tests that are compiled for it; those that cannot be are left out.
   * @param modules What is run in it, from the root of the repository.
   * @param command The program whose end ends it, and its arguments, each a line.
   */
  static async make(
    programs: readonly string[],
    modules: readonly string[],
    command: readonly string[],
  ): Promise<Machine> {
    const machine = new Machine(await Deno.makeTempDir());
    await machine.#fill(programs, modules, command);
    return machine;
  }

  /**
   * Starts it.
   *
   * @param processor The processor, by qemu's name.
   * @returns The emulator, which writes what the command writes.
   */
  start(processor = "neoverse-n1"): Deno.ChildProcess {
    const args = [
      ...["-M", "virt", "-cpu", processor, "-smp", "2", "-m", "3G", "-no-reboot"],
      ...["-nographic", "-nodefaults", "-serial", "stdio", "-kernel", `${FOLDER}/vmlinuz`],
      ...["-initrd", `${this.#folder}/archive`],
      ...["-append", "console=ttyAMA0 panic=-1 quiet rdinit=/init"],
    ];
    return new Deno.Command(EMULATOR, { args, stdin: "null", stdout: "piped", stderr: "inherit" }).spawn();
  }

  /** Removes what it is made of. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #fill(programs: readonly string[], modules: readonly string[], command: readonly string[]): Promise<void> {
    const archive = new Archive();
    archive.add("/command", new TextEncoder().encode(command.map((word) => `${word}\n`).join("")));
    const [init, library] = [`${this.#folder}/init`, `${this.#folder}/library`];
    assert(await this.#compile(["-O1", "-static", "tests/machine/init.c"], init), "init.c can be compiled");
    const sources = [...Deno.readDirSync(`${ROOT}/ffi`)].filter(({ name }) => name.endsWith(".c"));
    const flags = ["-std=c11", "-O2", "-fPIC", "-shared", "-fvisibility=hidden"];
    const isMade = await this.#compile([...flags, ...sources.map(({ name }) => `ffi/${name}`)], library);
    assert(isMade, "the library can be compiled");
    await archive.copy("/init", init);
    await archive.copy("/bin/deno", `${FOLDER}/deno`);
    await archive.copy(`/lib/${LOADER}`, `${LIBRARIES}/${LOADER}`);
    for (const name of LIBRARY_NAMES) await archive.copy(`/lib/${name}`, `${LIBRARIES}/${name}`);
    for (const name of SOURCES) await archive.copy(`${ROOT}/${name}`, `${ROOT}/${name}`);
    await archive.copy(`${ROOT}/build/libfasttrap.so`, library);
    for (const source of programs) {
      const name = source.replace(/^.*\/|\.c$/g, "");
      const program = `${this.#folder}/${name}`;
      const text = (await Deno.readTextFile(`${ROOT}/${source}`)).split("\n", FLAG_LINES).join("\n");
      const own = /^\W*cc:(.*?)(?:\*\/)?$/m.exec(text)?.[1]?.trim().split(/\s+/) ?? [];
      const isThere = await this.#compile(["-std=gnu11", "-O1", "-g", source, ...own], program);
      if (isThere) await archive.copy(`${ROOT}/build/targets/${name}`, program);
    }
    await this.#cache(modules);
    await archive.copy("/deno", `${this.#folder}/deno`);
    const bytes = archive.finish().stream();
    await Deno.writeFile(`${this.#folder}/archive`, bytes);
  }

  async #compile(args: readonly string[], output: string): Promise<boolean> {
    const command = new Deno.Command(COMPILER, { args: [...args, "-o", output], cwd: ROOT, stderr: "null" });
    return (await command.output()).success;
  }

  /** Translates what is run, which takes the emulated machine long. */
  async #cache(modules: readonly string[]): Promise<void> {
    const env = { DENO_DIR: `${this.#folder}/deno` };
    const args = ["cache", "--no-check", "--no-lock", ...modules];
    const { success } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT, env, stderr: "null" }).output();
    assert(success, "the modules can be translated");
  }
}
