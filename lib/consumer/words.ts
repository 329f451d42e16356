/**
 * The words of `-c 'CMD'`.
 *
 * dtrace(1) cuts a command at blanks and starts it without a shell. So do we, and honour a shell's quotes beyond that,
 * because arguments with blanks cannot be given otherwise. Nothing is expanded: no variables, globs, or redirections.
 *
 * @module
 */

const BLANKS = " \t\n\r\f\v";
/** What a backslash takes its meaning from inside of double quotes, as in POSIX sh. */
const ESCAPED_IN_QUOTES = '"\\$`\n';

/**
 * Cuts a command into its words.
 *
 * @example Quotes
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(splitWords(`grep -c 'a b' "it's"`), ["grep", "-c", "a b", "it's"]);
 * ```
 *
 * @param command The command.
 * @returns Its words, one at least.
 * @throws {SyntaxError} If there are none, or a quote is not closed.
 */
export function splitWords(command: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < command.length; i++) {
    const character = command[i]!;
    if (quote === "" && BLANKS.includes(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    word ??= "";
    if (character === quote) quote = "";
    else if (quote === "" && (character === "'" || character === '"')) quote = character;
    else if (character === "\\" && isEscape(command[i + 1], quote)) word += command[++i];
    else word += character;
  }
  if (quote !== "") throw new SyntaxError(`Cannot split command "${command}": a ${quote} is not closed`);
  if (word !== undefined) words.push(word);
  if (words.length === 0) throw new SyntaxError("Cannot start a command: it is empty");
  return words;
}

/** Whether a backslash in front of a character stands for that character. */
function isEscape(next: string | undefined, quote: string): boolean {
  return next !== undefined && quote !== "'" && (quote === "" || ESCAPED_IN_QUOTES.includes(next));
}
