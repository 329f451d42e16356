/**
 * Macro variables: `$target`, `$pid`, `$1`, and the arguments of a script as strings, `$$1`.
 *
 * They are words of the text that are replaced while it is read: one that looks like a number becomes an integer, any
 * other a name; with a second dollar sign it becomes a string. In probe descriptions they are replaced in the text.
 *
 * @module
 */

import { fail } from "./compile_error.ts";

/** The values of macro variables. */
export interface MacroContext {
  /** The script's arguments; the first is `$0`, its name. */
  readonly arguments: readonly string[];
  /** The others by name, without the dollar sign: `target`, `pid`, `ppid`, `uid`, `euid`, `gid`... */
  readonly variables: Readonly<Record<string, string | number | undefined>>;
  /** Whether an argument that is not there is 0 or the empty string (`-x defaultargs`). */
  readonly defaults: boolean;
}

/** Replaces macro variables, and knows which arguments have been used. */
export class Macros {
  readonly #context: MacroContext;
  readonly #used = new Set<number>([0]);
  #defaults: boolean;

  /**
   * Makes the macro variables of one program.
   *
   * @param context Their values.
   */
  constructor(context: MacroContext) {
    this.#context = context;
    this.#defaults = context.defaults;
  }

  /** Takes 0 and the empty string for missing arguments from now on, as the option `defaultargs` says. */
  allowMissing(): void {
    this.#defaults = true;
  }

  /**
   * Finds the value of one.
   *
   * @param name The name or number behind the dollar signs.
   * @param written The macro variable as it is written, for the error.
   * @param line Its line, for the error.
   * @returns The value; undefined for an argument that is missing where that is allowed.
   * @throws {CompileError} `D_MACRO_UNDEF` if there is none.
   */
  valueOf(name: string, written: string, line: number): string | undefined {
    if (/^[0-9]+$/.test(name)) return this.#argument(Number(name), written, line);
    const value = this.#find(name);
    if (value !== undefined) return value;
    const hint = name === "target" ? "Name a process with -p or a command with -c" : undefined;
    return fail("D_MACRO_UNDEF", line, `macro variable ${written} is not defined`, hint);
  }

  /**
   * Replaces the macro variables in a field of a probe description.
   *
   * @param field The field.
   * @param isStrict Whether a dollar sign must begin a macro variable; otherwise it may belong to a symbol's name.
   * @param kept The name of one that stays as it is if it is defined.
   * @returns The field with values; undefined if a macro variable is not defined.
   */
  expand(field: string, isStrict: boolean, kept?: string): string | undefined {
    let isDefined = true;
    const text = field.replace(/\${1,2}([0-9]+|[A-Za-z_][A-Za-z0-9_]*)/g, (written, name) => {
      const value = /^[0-9]/.test(name) ? this.#use(Number(name)) : this.#find(name);
      if (value === undefined && isStrict) isDefined = false;
      return name === kept ? written : value ?? written;
    });
    return isDefined ? text : undefined;
  }

  /**
   * Checks that the script has used all of its arguments.
   *
   * @param line The last line, for the error.
   * @throws {CompileError} `D_MACRO_UNUSED` if it has not.
   */
  checkUsed(line: number): void {
    const unused = this.#context.arguments.findIndex((_, index) => !this.#used.has(index));
    if (unused < 0 || this.#defaults) return;
    const value = this.#context.arguments[unused]!;
    fail("D_MACRO_UNUSED", line, `extraneous argument '${value}' ($${unused} is not referenced)`);
  }

  #argument(index: number, written: string, line: number): string | undefined {
    const value = this.#use(index);
    if (value === undefined && !this.#defaults) {
      fail("D_MACRO_UNDEF", line, `macro argument ${written} is not defined`);
    }
    return value;
  }

  #use(index: number): string | undefined {
    this.#used.add(index);
    return this.#context.arguments[index];
  }

  #find(name: string): string | undefined {
    const { variables } = this.#context;
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    return value === undefined ? undefined : String(value);
  }
}
