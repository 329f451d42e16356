import { assertEquals, assertThrows } from "@std/assert";
import { splitWords } from "../../lib/consumer/words.ts";

Deno.test("splitWords() splits at blanks of every kind", () => {
  assertEquals(splitWords(" ls\t-l \n /etc\r\f\v"), ["ls", "-l", "/etc"]);
});

Deno.test("splitWords() honours quotes and backslashes as sh does", () => {
  const rows: [command: string, ...words: string[]][] = [
    [`'a b' c`, "a b", "c"],
    [`"a b"c'd e'`, "a bcd e"],
    [`a\\ b`, "a b"],
    [`'' ""`, "", ""],
    [`'a\\b' "a\\b"`, "a\\b", "a\\b"],
    [`"\\"\\\\\\$\\\`"`, '"\\$`'],
    [`"it's" 'say "x"'`, "it's", 'say "x"'],
    ["$HOME *.c ~ | a;b", "$HOME", "*.c", "~", "|", "a;b"],
    ["a\\", "a\\"],
  ];
  for (const [command, ...words] of rows) assertEquals(splitWords(command), words, command);
});

Deno.test("splitWords() throws SyntaxError on a quote that is not closed, and on nothing", () => {
  for (const command of ["'a", `a "b`, `"a\\"`]) assertThrows(() => splitWords(command), SyntaxError, "not closed");
  for (const command of ["", " \t"]) assertThrows(() => splitWords(command), SyntaxError, "empty");
});
