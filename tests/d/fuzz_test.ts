/**
 * Programs that have been mutilated: whatever they are, the compiler makes a program of them or says what is wrong.
 */

import { assert } from "@std/assert";
import { CompileError } from "../../lib/d/compile_error.ts";
import { compileProgram } from "../../lib/d/compile.ts";
import { makeRandomBelow } from "./random_below.ts";

const SOAK = Deno.env.get("FASTTRAP_SOAK") === "1";
const ROUNDS = SOAK ? 60_000 : 3_000;

/** Programs with something of everything. */
const SEEDS: readonly string[] = [
  'pid1:libc:open:entry, b:::return /arg0 > 1 && execname == "x"/ { self->t = timestamp; @a[pid, ustack(3)] = quantize(arg0); printf("%d %s\\n", pid, execname); }',
  'struct s { int a : 3; char b[4]; union { int c; long d; }; struct s *next; };\ntypedef struct s s_t;\nBEGIN { p = (s_t *)copyin(arg0, sizeof (s_t)); trace(p->next->b[1]); print(*p); x[1, "a"] = p->c; x[2, "b"]++; }',
  "inline int F[int a, string s] = a + strlen(s);\nenum e { A, B = 3, C };\nthis int q;\nBEGIN { this->q = F[B, execname] ? 1 : 2, 3; if (this->q) { trace(~this->q >> 2); } else exit(C); }",
  "typedef struct out { int x; string s; } out_t;\ntranslator out_t <int i> { x = i * 2; s = lltostr(i); };\nprovider app { probe go(int, char *) : (char *, int); };\napp1:::go { trace(args[0]); trace(xlate <out_t> (pid).x); }",
  '#pragma D option strsize=64\n#pragma D attributes Stable/Stable/Common z\nint z[int, string];\nBEGIN { z[1, "x"] = $1; @ = lquantize(z[1, "x"], 0, 10, 2); @l = llquantize(1, 10, 0, 3, 10); printa("%@d %@d", @, @); trunc(@l, 2); }',
  'tick-1s { @n = sum(curpsinfo->pr_pid); system("ls %s", curpsinfo->pr_psargs); o = (int (*)(int, ...))arg0; }\nBEGIN { speculate(speculation()); trace(1); }\nEND { commit(1); discard(2); }\nEND { normalize(@n, 3); }',
];

/** Pieces that a mutation puts in. */
const PIECES: readonly string[] = [
  ..."{}()[]<>;:,.?/*+-&|^~!=@#$\"'\\` \n0",
  "->",
  "<<=",
  "/*",
  "//",
  "int ",
  "struct s ",
  "self->",
  "this->x",
  "args[0]",
  "arg0",
  "execname",
  "stringof ",
  "sizeof ",
  "xlate <s_t> ",
  "offsetof(s_t, a)",
  "(char *)",
  "(void)",
  "@a",
  "trace(",
  "ustack()",
  "count()",
  'printf("%*.*s", ',
  "18446744073709551615",
  "-2147483648",
  "0",
  "1.5",
  "'ab'",
  "$$1",
  "#pragma D option ",
  "#line 3\n",
  "curpsinfo",
  "curpsinfo->",
  "uregs[3]",
  "inline ",
  "translator ",
  "provider ",
  "userland ",
  "if (",
  "else ",
];

/** Takes out, doubles, swaps or puts in something, twice at most. */
function mutilate(source: string, random: (bound: number) => number): string {
  let text = source;
  for (let count = random(3); count > 0; count--) {
    const at = random(text.length + 1);
    const length = random(6);
    const piece = PIECES[random(PIECES.length)]!;
    const tail = text.slice(at + length);
    const taken = text.slice(at, at + length);
    const makers = [
      () => text.slice(0, at) + tail,
      () => text.slice(0, at) + taken + taken + tail,
      () => text.slice(0, at) + piece + tail,
      () => text.slice(0, at) + piece + text.slice(at),
      () => text.slice(0, at) + text.slice(at).split(/\b/).reverse().join(""),
    ];
    text = makers[random(makers.length)]!();
  }
  return text;
}

Deno.test("compileProgram() of mutilated programs makes a program or throws a CompileError", () => {
  const random = makeRandomBelow(4711);
  const macros = { arguments: ["s.d", "5"], variables: {}, defaults: true };
  let compiled = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const source = mutilate(SEEDS[round % SEEDS.length]!, random);
    try {
      compileProgram(source, { isFile: random(2) === 0, macros, argumentTypes: () => ["int", "char *", "struct s"] });
      compiled++;
    } catch (error) {
      assert(error instanceof CompileError, `${source}\n${error instanceof Error ? error.stack : error}`);
    }
  }
  // Some survive, so that more than the parser is tried.
  assert(compiled > ROUNDS / 20, `${compiled} of ${ROUNDS} compile`);
});

/** Declares names by those before them, and traces the last. */
function chain(count: number, declare: (name: string, before: string) => string): string {
  const declarations = Array.from({ length: count }, (_, index) => declare(`v${index + 1}`, `v${index}`));
  return ["inline int v0 = pid;", ...declarations, `BEGIN { trace(v${count}); }`].join("\n");
}

Deno.test("compileProgram() of programs that go on and on throws a CompileError, and no RangeError", () => {
  const repeated = (piece: string) => piece.repeat(20_000);
  const sources = [
    `BEGIN { trace(${repeated("(")}`,
    `BEGIN { trace(${repeated("!")}1); }`,
    `BEGIN { trace(1${repeated(" + 1")}); }`,
    `BEGIN { trace(a${repeated("[1]")}); }`,
    `BEGIN { trace(${repeated("1 ? 1 : ")}1); }`,
    `BEGIN { x = ${repeated("y = ")}1; }`,
    `BEGIN { ${repeated("if (1) ")} trace(1); }`,
    `BEGIN { ${repeated("if (1) { } else ")} trace(1); }`,
    `int ${repeated("*")}x; BEGIN { trace(${repeated("*")}x); }`,
    `int ${repeated("(*")}x`,
    `${repeated("struct { ")}`,
    `BEGIN { trace(${repeated("sizeof ")}1); }`,
    `BEGIN { trace(${repeated("(int)")}1); }`,
    `BEGIN { trace(${repeated("f(")}`,
    `BEGIN { trace(p${repeated("->n")}); }`,
    // Inlines that stand for each other, in a row and as a tree.
    chain(5_000, (name, before) => `inline int ${name} = ${before} + pid;`),
    chain(30, (name, before) => `inline int ${name} = ${before} + ${before};`),
  ];
  for (const source of sources) {
    try {
      compileProgram(source, { isFile: true });
    } catch (error) {
      assert(error instanceof CompileError, `${source.slice(0, 60)}: ${error}`);
    }
  }
});
