import { assert, assertEquals } from "@std/assert";
import { CompileError } from "../../lib/d/compile_error.ts";
import { Lexer } from "../../lib/d/lexer.ts";
import { Macros } from "../../lib/d/macros.ts";
import { PREDICATE_END, PUNCTUATORS, type Token } from "../../lib/d/token.ts";
import { makeRandomBelow } from "./random_below.ts";

/** Makes a lexer whose macro variables are a number, a name and a text. */
function lexer(source: string, more: { typeNames?: string[]; prefersDescriptions?: boolean } = {}): Lexer {
  const variables = { pid: 7, who: "arg0", text: "two words" };
  return new Lexer(source, {
    macros: new Macros({ arguments: [], variables, defaults: false }),
    isTypeName: (name) => (more.typeNames ?? []).includes(name),
    prefersDescriptions: more.prefersDescriptions ?? false,
    onDirective: (text) => /^line (\d+)/.test(text) ? Number(text.slice(5)) : undefined,
  });
}

/** Reads all tokens of an expression. */
function tokens(source: string): Token[] {
  const reader = lexer(source);
  const found: Token[] = [];
  for (let token = reader.next(); token.kind !== "end"; token = reader.next()) found.push(token);
  return found;
}

function texts(source: string): string[] {
  return tokens(source).map(({ text }) => text);
}

Deno.test("Lexer.next() takes the longest punctuator", () => {
  assertEquals(texts("a+++b--- >>=<<=->...^^&&||"), [
    "a",
    "++",
    "+",
    "b",
    "--",
    "-",
    ">>=",
    "<<=",
    "->",
    "...",
    "^^",
    "&&",
    "||",
  ]);
});

Deno.test("Lexer.next() tells a slash that divides from one that ends a predicate", () => {
  assertEquals(texts("a / b /\n{"), ["a", "/", "b", PREDICATE_END, "{"]);
  assertEquals(texts("a / ;"), ["a", PREDICATE_END, ";"]);
  assertEquals(texts("a /= 2 /"), ["a", "/=", "2", PREDICATE_END]);
  assertEquals(texts("a / /* c */ b"), ["a", PREDICATE_END, "b"]);
});

Deno.test("Lexer.next() replaces macro variables by numbers, names and strings", () => {
  const found = tokens("$pid $who $$who $$text");
  assertEquals(found.map(({ kind, text }) => [kind, text]), [
    ["integer", "$pid"],
    ["identifier", "arg0"],
    ["string", "$$who"],
    ["string", "$$text"],
  ]);
  assertEquals(found[0]!.integer!.value, { lo: 7, hi: 0 });
  assertEquals(new TextDecoder().decode(found[3]!.bytes), "two words");
});

Deno.test("Lexer.next() takes comments for blanks and counts their lines", () => {
  const found = tokens("a /* b\n * c */ d // e /* f\n@g");
  assertEquals(found.map(({ text, line }) => [text, line]), [["a", 1], ["d", 2], ["@g", 3]]);
});

Deno.test("Lexer.next() hands directives on and takes their line numbers", () => {
  assertEquals(tokens("a\n#line 10\nb\n  # x\nc").map(({ text, line }) => [text, line]), [["a", 1], ["b", 10], [
    "c",
    12,
  ]]);
});

Deno.test("Lexer.nextOuter() reads a word that begins no declaration as a probe description", () => {
  const reader = lexer("syscall::r*:[a-z]?,tick-1s / 1 / { } int x; foo_t*y;", { typeNames: ["foo_t"] });
  const found: [string, string][] = [];
  const take = (token: Token) => found.push([token.kind, token.text]);
  for (let count = 0; count < 4; count++) take(reader.nextOuter());
  for (let count = 0; count < 4; count++) take(reader.next());
  take(reader.nextOuter());
  take(reader.next());
  take(reader.next());
  take(reader.nextOuter());
  assertEquals(found, [
    ["description", "syscall::r*:[a-z]?"],
    ["punctuator", ","],
    ["description", "tick-1s"],
    ["punctuator", "/"],
    ["integer", "1"],
    ["punctuator", PREDICATE_END],
    ["punctuator", "{"],
    ["punctuator", "}"],
    ["keyword", "int"],
    ["identifier", "x"],
    ["punctuator", ";"],
    ["identifier", "foo_t"],
  ]);
});

Deno.test("Lexer.nextOuter() prefers descriptions if it is told to", () => {
  assertEquals(lexer("int* {", { prefersDescriptions: true }).nextOuter().kind, "description");
  assertEquals(lexer("int* x;").nextOuter().kind, "keyword");
  assertEquals(lexer("int*: {").nextOuter().kind, "description");
});

Deno.test("Lexer.nextOuter() takes more characters behind a colon, for names of C++ and Go", () => {
  assertEquals(lexer("pid1::main.(*T).Run<int>+1:entry {").nextOuter().text, "pid1::main.(*T).Run<int>+1:entry");
});

Deno.test("Lexer.next() says of every token exactly where it is, in random texts", () => {
  const random = makeRandomBelow(20);
  const words = [
    ...PUNCTUATORS.filter((text) => !text.startsWith("/")),
    "x1",
    "int",
    "0x1fUL",
    "017",
    "'a'",
    '"a\\"b"',
    "@agg",
    "@",
    "`k",
  ];
  const blanks = [" ", "\n", "\t", " /* c */ ", "// l\n", "\n#d\n"];
  for (let round = 0; round < 300; round++) {
    const expected = Array.from({ length: 20 }, () => words[random(words.length)]!);
    const places: [text: string, start: number, line: number][] = [];
    let source = "";
    for (const word of expected) {
      source += blanks[random(blanks.length)]!;
      places.push([word, source.length, source.split("\n").length]);
      source += word + " ";
    }
    const found = tokens(source);
    assertEquals(found.map(({ text, start, line }) => [text, start, line]), places);
    assert(found.every(({ text, start, end }) => source.slice(start, end) === text));
  }
});

Deno.test("Lexer.next() gets to the end of any text, or throws a CompileError", () => {
  const random = makeRandomBelow(21);
  const characters = "a1 \n\t\"'\\/*@#$`{}();,.<>=+-&|^~!?:[]é\0";
  for (let round = 0; round < 5000; round++) {
    const source = Array.from({ length: random(30) }, () => characters[random(characters.length)]).join("");
    const reader = lexer(source);
    let end = 0;
    try {
      for (let token = reader.next(); token.kind !== "end"; token = reader.next()) {
        assert(token.end > end && token.start >= end, JSON.stringify(source));
        end = token.end;
      }
    } catch (error) {
      assert(error instanceof CompileError, JSON.stringify(source));
    }
  }
});
