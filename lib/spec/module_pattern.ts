/**
 * Which modules a description means.
 *
 * A module is called by the base name of its file. A plain name also means a file whose name continues with a dot, so
 * that `libc`, `libc.so` and `libc.so.6` all mean `libc.so.6`; `a.out` means the executable, whatever its file is called;
 * and a module in another link map than the first, where `dlmopen(3)` puts it, can be asked for as ``LM1`libc``, while
 * a name alone means the modules of all link maps.
 * (`dt_pid_mod_filt` and `dt_pid_fix_mod` of libdtrace, `Pname_to_map` of libproc.)
 *
 * @module
 */

import { compileGlob, isGlob } from "./glob.ts";

/** What identifies a module in a process. */
export interface ModuleIdentity {
  /** The base name of its file. */
  readonly name: string;
  /** Whether it is the executable. */
  readonly isExecutable: boolean;
  /** The number of its link map; 0 is the first and practically always the only one. */
  readonly linkMap: number;
}

/**
 * Compiles the module field of a probe description.
 *
 * @example The C library by a short name
 * ```ts
 * import { assert } from "@std/assert";
 *
 * const matches = compileModulePattern("libc");
 * assert(matches({ name: "libc.so.6", isExecutable: false, linkMap: 0 }));
 * assert(!matches({ name: "libcrypt.so.1", isExecutable: false, linkMap: 0 }));
 * ```
 *
 * @param pattern The field: a name, a path, or a glob; empty for every module.
 * @returns A function that tells whether a module is meant.
 * @throws {SyntaxError} If it is a malformed glob.
 */
export function compileModulePattern(pattern: string): (module: ModuleIdentity) => boolean {
  const { linkMap, rest } = splitLinkMap(pattern);
  const matchesName = compileName(moduleNameOf(rest));
  return (module) => (linkMap === undefined || linkMap === module.linkMap) && matchesName(module);
}

/**
 * Cuts a path to the name that a module is called by.
 *
 * @param path The path of a file, or already a name.
 * @returns What stands behind the last slash.
 */
export function moduleNameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function compileName(name: string): (module: ModuleIdentity) => boolean {
  if (isGlob(name)) {
    const matches = compileGlob(name);
    return (module) => matches(module.name) || (module.linkMap !== 0 && matches(linkedName(module)));
  }
  const beforeDot = `${name}.`;
  return (module) =>
    module.name === name || module.name.startsWith(beforeDot) || (name === "a.out" && module.isExecutable);
}

/**
 * Writes what the probes of a module are called by: its name, with its link map in front of it unless that is the first.
 *
 * @param module The module.
 * @returns Such as ``LM1`libc.so.6``.
 */
export function linkedName({ name, linkMap }: Pick<ModuleIdentity, "name" | "linkMap">): string {
  return linkMap === 0 ? name : `LM${linkMap.toString(16)}\`${name}`;
}

/** Splits ``LM1`libc`` into the number of the link map, which is hexadecimal, and the rest. */
function splitLinkMap(pattern: string): { linkMap: number | undefined; rest: string } {
  const match = /^LM([0-9a-f]{1,8})`/.exec(pattern);
  if (match === null) return { linkMap: undefined, rest: pattern };
  return { linkMap: parseInt(match[1]!, 16), rest: pattern.slice(match[0].length) };
}
