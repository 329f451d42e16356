/**
 * Cuts the arguments of a command into options, words, and what stands behind `--`.
 *
 * The conventions are getopt(3)'s, in the detail those of `parseArgs` of `node:util`, which is not used because loading it takes
 * a tenth of the time to the first event: letters can be written together, an option that takes an argument takes the rest of
 * its word, or else the next one whatever that is, and a long option takes what stands behind `=`.
 *
 * @module
 */

/** What has to be known of an option. */
export interface OptionType {
  /** Whether it takes an argument. */
  readonly type: "string" | "boolean";
  /** Its letter, for an option that has a long name. */
  readonly short?: string;
}

/** A part of a command line. */
export type ArgumentToken =
  | {
    readonly kind: "option";
    /** Its name, the long one if it has one; of an unknown option what was written. */
    readonly name: string;
    /** As it was written, with its dashes. */
    readonly rawName: string;
    readonly value: string | undefined;
  }
  | { readonly kind: "positional"; readonly value: string }
  | { readonly kind: "option-terminator" };

/**
 * Cuts a command line.
 *
 * @param args The arguments.
 * @param types The options by name. Others take no argument but behind `=`.
 * @returns The parts, in order. Everything behind the terminator is positional.
 */
export function cutArguments(
  args: readonly string[],
  types: Readonly<Record<string, OptionType>>,
): ArgumentToken[] {
  const tokens: ArgumentToken[] = [];
  const takesArgument = (name: string) => Object.hasOwn(types, name) && types[name]!.type === "string";
  for (let index = 0; index < args.length; index++) {
    const word = args[index]!;
    if (word === "--") {
      tokens.push({ kind: "option-terminator" });
      for (const value of args.slice(index + 1)) tokens.push({ kind: "positional", value });
      break;
    }
    if (word === "-" || !word.startsWith("-")) {
      tokens.push({ kind: "positional", value: word });
    } else if (word.startsWith("--")) {
      const equals = word.indexOf("=", 3);
      const rawName = equals < 0 ? word : word.slice(0, equals);
      const name = rawName.slice(2);
      const inline = equals < 0 ? undefined : word.slice(equals + 1);
      tokens.push({
        kind: "option",
        name,
        rawName,
        value: inline ?? (takesArgument(name) ? args[++index] : undefined),
      });
    } else {
      for (let at = 1; at < word.length; at++) {
        const name = nameOf(word[at]!, types);
        const takes = takesArgument(name);
        const rest = word.slice(at + 1);
        const value = !takes ? undefined : rest !== "" ? rest : args[++index];
        tokens.push({ kind: "option", name, rawName: `-${word[at]}`, value });
        if (takes) break;
      }
    }
  }
  return tokens;
}

/** The name of an option with a letter. */
function nameOf(letter: string, types: Readonly<Record<string, OptionType>>): string {
  for (const [name, { short }] of Object.entries(types)) if (short === letter) return name;
  return letter;
}
