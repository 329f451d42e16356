/**
 * The command as one file in a folder of its own, where an ordinary user finds all that it needs: the bundle, Deno, and
 * programs to trace.
 *
 * @module
 */

import { fail } from "@std/assert";
import { TARGETS } from "../support.ts";
import type { CommandStart } from "./command.ts";

/** The uid and gid of nobody, of whom there is one on every machine. */
export const NOBODY = 65534;
/** Whether the tests may become another user. */
export const IS_ROOT = Deno.uid() === 0;
/** Makes a command run as an ordinary user, without capabilities. */
export const AS_NOBODY: readonly string[] = IS_ROOT
  ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"]
  : [];
/** Makes a command run without capabilities, though root of its user namespace. */
export const WITHOUT_CAPABILITIES: readonly string[] = [
  ...["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"],
];
/** Makes a command run in a user namespace of its own. */
export const IN_NAMESPACE: readonly string[] = ["unshare", "-Ur", ...WITHOUT_CAPABILITIES];
/** Yama's ptrace_scope: who may attach to a process that it has not started; 0 without Yama. */
export const YAMA_SCOPE: number = yamaScope();

const ROOT = new URL("../../", import.meta.url).pathname;
const BUNDLE = `${ROOT}dist/fasttrap.js`;

let bundled: Promise<void> | undefined;

/** See the module's comment. */
export class Sandbox implements Disposable {
  readonly path = Deno.makeTempDirSync({ dir: "/tmp" });
  readonly #deno: string;

  private constructor() {
    Deno.copyFileSync(BUNDLE, `${this.path}/fasttrap.js`);
    this.#deno = this.program(Deno.execPath(), "deno");
    Deno.chmodSync(this.path, 0o755);
    Deno.mkdirSync(`${this.path}/cache`);
    Deno.chmodSync(`${this.path}/cache`, 0o777);
  }

  /** Makes the bundle, once for all tests of a file, and the folder. */
  static async make(): Promise<Sandbox> {
    await (bundled ??= bundle());
    return new Sandbox();
  }

  /** How the command is started in the folder. */
  start(permissions: readonly string[], prefix: readonly string[] = []): CommandStart {
    const env = { DENO_DIR: `${this.path}/cache`, HOME: this.path };
    return { permissions, prefix, env, deno: this.#deno, script: `${this.path}/fasttrap.js`, cwd: this.path };
  }

  /** A program that everybody may run: a link if that is possible, else a copy. */
  program(path: string, name: string): string {
    const own = `${this.path}/${name}`;
    try {
      Deno.linkSync(Deno.realPathSync(path), own);
    } catch {
      Deno.copyFileSync(path, own);
    }
    return own;
  }

  /** One of the compiled targets, as {@linkcode Sandbox.program}. */
  target(name: string): string {
    return this.program(TARGETS + name, name);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

async function bundle(): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "ffi/bundle.ts"],
    cwd: ROOT,
    stdout: "null",
  }).output();
  if (!success) fail(new TextDecoder().decode(stderr));
}

function yamaScope(): number {
  try {
    return Number(Deno.readTextFileSync("/proc/sys/kernel/yama/ptrace_scope"));
  } catch {
    return 0;
  }
}
