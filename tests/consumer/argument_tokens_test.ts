import { assertEquals } from "@std/assert";
import { parseArgs } from "node:util";
import { type ArgumentToken, cutArguments, type OptionType } from "../../lib/consumer/argument_tokens.ts";
import { OPTION_TYPES } from "../../lib/consumer/options.ts";
import { makeRandomBelow } from "../d/random_below.ts";

/** What node makes of arguments, as far as it matters. */
function cutByNode(args: string[], options: Readonly<Record<string, OptionType>>): ArgumentToken[] {
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true });
  return tokens.map((token) => {
    if (token.kind === "option") {
      const { kind, name, rawName, value } = token;
      return { kind, name, rawName, value };
    }
    return token.kind === "positional" ? { kind: token.kind, value: token.value } : { kind: token.kind };
  });
}

Deno.test("cutArguments() cuts what users write", () => {
  assertEquals(cutArguments(["-qn", "a:b", "--format=json", "-p12", "-", "--", "-n", "--"], OPTION_TYPES), [
    { kind: "option", name: "q", rawName: "-q", value: undefined },
    { kind: "option", name: "n", rawName: "-n", value: "a:b" },
    { kind: "option", name: "format", rawName: "--format", value: "json" },
    { kind: "option", name: "p", rawName: "-p", value: "12" },
    { kind: "positional", value: "-" },
    { kind: "option-terminator" },
    { kind: "positional", value: "-n" },
    { kind: "positional", value: "--" },
  ]);
});

Deno.test("cutArguments() cuts random arguments as node does", () => {
  const below = makeRandomBelow(5);
  const words = [
    "-n",
    "-q",
    "-l",
    "--",
    "-",
    "--format",
    "--count",
    "--help",
    "--unknown",
    "-z",
    "--p",
    "=",
    "x",
    "-h",
  ];
  // No dash among letters, and no long option without a name, which node takes for other mistakes than we do.
  const prefixes = ["", "-", "--f"];
  const characters = "=nqlpzhx ";
  for (let round = 0; round < 20_000; round++) {
    const args = Array.from({ length: below(6) }, () => {
      if (below(2) === 0) return words[below(words.length)]!;
      return prefixes[below(3)] + Array.from({ length: below(6) }, () => characters[below(characters.length)]).join("");
    });
    assertEquals(cutArguments(args, OPTION_TYPES), cutByNode(args, OPTION_TYPES), JSON.stringify(args));
  }
});
