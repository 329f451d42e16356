import { assertEquals, assertThrows } from "@std/assert";
import { CompileError } from "../../lib/d/compile_error.ts";
import { type CompileContext, compileProgram, type Library } from "../../lib/d/compile.ts";
import { librarySource } from "../../lib/d/library.ts";
import { PROTOTYPES } from "../../lib/d/prototypes.ts";
import type { BuiltinName } from "../../lib/d/tree.ts";
import { clauseText } from "./tree_text.ts";

/** The message of the error that a program has. */
function messageOf(source: string, context: CompileContext = {}): string {
  return assertThrows(() => compileProgram(source, context), CompileError).message;
}

/** A library in the folder `lib`. */
function library(name: string, source: string): Library {
  return { name, path: `lib/${name}`, source };
}

Deno.test("compileProgram() says the line of a file, and the part of a clause of the command line", () => {
  const source = "BEGIN\n{\n  trace(foo);\n}";
  assertEquals(messageOf(source, { isFile: true }), "line 3: failed to resolve foo: Unknown variable name");
  assertEquals(messageOf(source), "in action list: failed to resolve foo: Unknown variable name");
  assertEquals(messageOf("BEGIN /foo/ { trace(1); }"), "in predicate: failed to resolve foo: Unknown variable name");
  assertEquals(
    messageOf("a:b:c:d:e { trace(1); }"),
    'in probe description: invalid probe description "a:b:c:d:e": Overspecified probe description',
  );
  assertEquals(messageOf("BEGIN { trace(1 }"), 'syntax error near "}"');
});

Deno.test("compileProgram() says the file that a preprocessor names", () => {
  assertEquals(
    messageOf('# 1 "a.d"\n# 1 "b.h" 1\nint x;\n# 5 "a.d" 2\nBEGIN { trace(y); }', { isFile: true }),
    '"a.d", line 5: failed to resolve y: Unknown variable name',
  );
  assertEquals(
    messageOf('# 1 "b.h"\n\nBEGIN { trace(y); }\n# 7 "a.d"\nEND { trace(1); }', { isFile: true }),
    '"b.h", line 2: failed to resolve y: Unknown variable name',
  );
});

Deno.test("compileProgram() takes a probe description alone from the command line", () => {
  const { clauses } = compileProgram("pid1:libc:malloc:entry, BEGIN");
  assertEquals(clauses.map(({ probes, statements }) => [probes.length, statements]), [[2, []]]);
});

Deno.test("compileProgram() fills the fields of descriptions from the one that they end with", () => {
  const probesOf = (source: string, lastField: "provider" | "module" | "function" | "name") =>
    compileProgram([{ text: source, isFile: false, lastField }]).clauses[0]!.probes[0];
  assertEquals(probesOf("a:b", "name"), { provider: "", module: "", function: "a", name: "b" });
  assertEquals(probesOf("a:b", "function"), { provider: "", module: "a", function: "b", name: "" });
  assertEquals(probesOf("a:b", "module"), { provider: "a", module: "b", function: "", name: "" });
  assertEquals(probesOf("a", "provider"), { provider: "a", module: "", function: "", name: "" });
  assertThrows(() => probesOf("a:b", "provider"), CompileError, "Overspecified");
});

Deno.test("compileProgram() finds the probe of a number", () => {
  const probe = { provider: "dtrace", module: "", function: "", name: "BEGIN" };
  const describeProbe = (id: number) => id === 1 ? probe : undefined;
  assertEquals(compileProgram("1 /pid/ { trace(1); }", { describeProbe }).clauses[0]!.probes, [probe]);
});

Deno.test("compileProgram() makes a clause for each probe if it uses args, and one for all if it does not", () => {
  const argumentTypes = ({ name }: { name: string }) => name === "a" ? ["int"] : ["struct s *", "string", "what_t"];
  const source = "struct s { int x; };\np:::a, p:::b { trace(args[0]); }\np:::a, p:::b { trace(arg0); }";
  const { clauses } = compileProgram(source, { isFile: true, argumentTypes });
  assertEquals(clauses.map((clause) => [clause.probes.map(({ name }) => name).join(), clauseText(clause)]), [
    ["a", ["trace args0:i4"]],
    ["b", ["trace args0:u8"]],
    ["a,b", ["trace arg0:i8"]],
  ]);
  const [typed] = compileProgram("struct s { int x; };\np:::b { trace(args[0]->x); trace(args[2]); }", {
    isFile: true,
    argumentTypes,
  }).clauses;
  assertEquals(clauseText(typed!), ["trace (load args0:u8 user):i4", "trace args2:i8"]);
});

Deno.test("compileProgram() reads libraries in the order in which they depend on each other", () => {
  const libraries = [
    library("b.d", "#pragma D depends_on library a.d\ninline int TWO = ONE + 1;"),
    library("a.d", "#pragma D depends_on provider pid\ninline int ONE = 1;\ntypedef int one_t;"),
  ];
  const { clauses } = compileProgram("BEGIN { trace((one_t)TWO); }", { libraries });
  assertEquals(clauseText(clauses[0]!), ["trace 2:i4"]);
  assertEquals(
    messageOf("BEGIN { trace(1); }", { libraries: [library("c.d", "\nint x = 1;")] }),
    '"lib/c.d", line 2: syntax error near "="',
  );
});

Deno.test("compileProgram() leaves libraries out that depend on what is not there", () => {
  const libraries = [
    library("a.d", "#pragma D depends_on module vmlinux\ninline int ONE = 1;"),
    library("b.d", "#pragma D depends_on library a.d\ninline int TWO = 2;"),
    library("c.d", "#pragma D depends_on library nowhere.d\ninline int THREE = 3;"),
    library("d.d", "#pragma D depends_on provider pid\ninline int FOUR = 4;"),
  ];
  const isAvailable = (_kind: string, name: string) => name === "pid";
  for (const name of ["ONE", "TWO", "THREE"]) {
    assertEquals(
      messageOf(`BEGIN { trace(${name}); }`, { libraries, isAvailable }),
      `in action list: failed to resolve ${name}: Unknown variable name`,
    );
  }
  const { clauses } = compileProgram("BEGIN { trace(FOUR); }", { libraries, isAvailable });
  assertEquals(clauseText(clauses[0]!), ["trace 4:i4"]);
  assertEquals(
    messageOf("#pragma D depends_on module vmlinux\nBEGIN { }", { isAvailable, isFile: true }),
    "line 1: program requires module vmlinux",
  );
});

Deno.test("compileProgram() makes one program of several texts, and tells them apart in errors and clauses", () => {
  const texts = [
    { text: "int n;\nBEGIN { n = 1; }", isFile: true },
    { text: "pid1:a { trace(n); }", isFile: false, lastField: "module" as const },
  ];
  const { clauses } = compileProgram(texts);
  assertEquals(clauses.map(({ part, line }) => [part, line]), [[0, 2], [1, 1]]);
  assertEquals(clauses[1]!.probes, [{ provider: "pid1", module: "a", function: "", name: "" }]);
  const error = assertThrows(() => compileProgram([...texts, { text: "END { n = m; }", isFile: false }]), CompileError);
  assertEquals([error.place.part, error.message], [
    2,
    "in action list: failed to resolve m: Unknown variable name",
  ]);
});

Deno.test("compileProgram() leaves $target in providers, if that is wished and it is defined", () => {
  const macros = { arguments: [""], variables: { target: 7 }, defaults: false };
  const provider = (source: string, context: CompileContext) => compileProgram(source, context).clauses[0]!.probes[0];
  const description = { provider: "pid7", module: "a", function: "f", name: "entry" };
  assertEquals(provider("pid$target:a:f:entry", { macros }), description);
  assertEquals(provider("pid$target:a:f:entry", { macros, keepsTarget: true }), {
    ...description,
    provider: "pid$target",
  });
  assertEquals(
    messageOf("pid$target:a:f:entry", { keepsTarget: true }),
    'in probe description: invalid probe description "pid$target:a:f:entry": Undefined macro variable in probe description',
  );
});

Deno.test("compileProgram() takes options, and strsize at once", () => {
  const source = '#pragma D option quiet\n#pragma D option strsize=2k\n#pragma D option bufsize="4m"\n' +
    "struct s { string a; int b; };\nBEGIN { trace(sizeof (string)); trace(offsetof(struct s, b)); }";
  const { options, clauses } = compileProgram(source, { isFile: true, strsize: 100 });
  assertEquals(options.map(({ name, value }) => [name, value]), [
    ["quiet", undefined],
    ["strsize", "2k"],
    ["bufsize", "4m"],
  ]);
  assertEquals(clauseText(clauses[0]!), ["trace 2048:u8", "trace 2048:u8"]);
  assertEquals(clauseText(compileProgram("BEGIN { trace(sizeof (string)); }", { strsize: 100 }).clauses[0]!), [
    "trace 100:u8",
  ]);
});

Deno.test("compileProgram() takes an empty program if it is told to", () => {
  assertEquals(compileProgram("/* */", { allowsEmpty: true }).clauses, []);
});

Deno.test("compileProgram() replaces macro variables, in descriptions too", () => {
  const macros = { arguments: ["s.d", "open", "-3", "a b"], variables: { target: 42, uid: 0 }, defaults: false };
  const source = "pid$target:libc:$$1:entry, pid42::$weird$:entry { trace($2); trace($$1); trace($$3); trace($uid); }";
  const [clause] = compileProgram(source, { macros }).clauses;
  assertEquals(clause!.probes.map(({ provider, function: name }) => [provider, name]), [
    ["pid42", "open"],
    ["pid42", "$weird$"],
  ]);
  assertEquals(clauseText(clause!), ["trace -3:i4", 'trace "open":s', 'trace "a b":s', "trace 0:i4"]);
});

Deno.test("compileProgram() takes 0 and the empty string for arguments that are not there, with defaultargs", () => {
  const macros = { arguments: ["s.d"], variables: {}, defaults: true };
  const [clause] = compileProgram("BEGIN { trace($1); trace($$2); trace($$0); }", { macros }).clauses;
  assertEquals(clauseText(clause!), ["trace 0:i4", 'trace "":s', 'trace "s.d":s']);
});

Deno.test("compileProgram() of a program that sets defaultargs itself", () => {
  const macros = { arguments: ["s.d"], variables: {}, defaults: false };
  const source = "#pragma D option defaultargs\nBEGIN { trace($1); }";
  assertEquals(clauseText(compileProgram(source, { macros, isFile: true }).clauses[0]!), ["trace 0:i4"]);
});

Deno.test("compileProgram() compares strings, numbers and pointers with NULL, and strings with no other pointer", () => {
  const [clause] = compileProgram(
    'BEGIN /strstr(execname, "sh") != NULL && arg0 != NULL && (char *)arg0 == NULL/ { self->s = "a"; self->s = NULL; }',
  ).clauses;
  assertEquals(clauseText(clause!), [
    '/(&& (&& (!= (strstr execname:s "sh":s):s "":s):i4 (!= arg0:i8 0:i4):i4):i4 (u== (convert arg0:i8):u8 0:i4):i4):i4/',
    '(= thread.s:s "a":s):s',
    '(= thread.s:s "":s):s',
  ]);
  assertEquals(
    messageOf("BEGIN /execname == (void *)1/ { trace(1); }"),
    'in predicate: operands have incompatible types: "string" == "void *"',
  );
});

Deno.test("compileProgram() writes to a variable by the name of an inline, and to the characters of a string", () => {
  const source = 'int x;\ninline int y = x;\nBEGIN { y = 5; s = "abc"; s[1] = 98; trace(s[0]); trace(*execname); }';
  assertEquals(clauseText(compileProgram(source, { isFile: true }).clauses[0]!), [
    "(= global.x:i4 5:i4):i4",
    '(= global.s:s "abc":s):s',
    "(= (load (u+ (address global.s:s):u8 1:i8):u8):i1 98:i1):i1",
    "trace (load (u+ (address global.s:s):u8 0:i8):u8):i1",
    "trace (load (address execname:s):u8):i1",
  ]);
});

Deno.test("compileProgram() gives operators the type of the operand with the higher rank, and no int to smaller ones", () => {
  const source =
    "char c;\nuint8_t u;\nshort s;\nBEGIN { c = 1; u = 2; s = 3; trace(c + c); trace(c + u); trace(u * s); " +
    "trace(s - 1); trace(c << arg0); trace(-u); trace(1 + 1ul); }";
  const [clause] = compileProgram(source, { isFile: true }).clauses;
  assertEquals(clauseText(clause!).slice(3).map((text) => text.split(":").at(-1)), [
    "i1",
    "u1",
    "i2",
    "i4",
    "i8",
    "u1",
    "u8",
  ]);
});

Deno.test("D_MACRO_OFLOW: an argument with more than 64 bits", () => {
  const macros = { arguments: ["s.d", "99999999999999999999"], variables: {}, defaults: false };
  const error = assertThrows(() => compileProgram("BEGIN { trace($1); }", { macros }), CompileError);
  assertEquals(error.tag, "D_MACRO_OFLOW");
});

Deno.test("compileProgram() gives one object to all uses of a variable, and numbers in the order of the text", () => {
  const { variables, aggregations } = compileProgram(
    "BEGIN { a = 1; self->b = 2; this->c = 3; self->d = 4; @x = count(); @ = sum(1); a = self->b; @x = count(); }",
  );
  const named = (scope: "global" | "thread" | "clause") => variables[scope].map(({ name, id }) => `${name}${id}`);
  assertEquals([named("global"), named("thread"), named("clause")], [["a0"], ["b0", "d1"], ["c0"]]);
  assertEquals(aggregations.map(({ name, id }) => `${name}${id}`), ["x0", "_1"]);
});

Deno.test("compileProgram() says which variables a clause reads, and whether it changes the program", () => {
  const needsOf = (source: string) => compileProgram(source).clauses[0]!.needs;
  assertEquals(needsOf("BEGIN /pid > 1/ { trace(arg0); if (uid) trace(execname); }"), {
    builtins: new Set<BuiltinName>(["pid", "uid", "execname"]),
    destructive: false,
  });
  const isDestructive = (statements: string) => needsOf(`BEGIN { ${statements} }`).destructive;
  assertEquals(
    ["if (self->x++) stop();", 'copyoutstr("a", arg0, 2);', 'trace(1); system("x");', "trace(copyinstr(arg0));"]
      .map(isDestructive),
    [true, true, true, false],
  );
});

Deno.test("compileProgram() gives providers the attributes of their pragmas", () => {
  const source = "#pragma D attributes Evolving/Evolving/ISA provider app args\nprovider app { probe go(int); };\n" +
    "BEGIN { trace(1); }";
  assertThrows(() => compileProgram(source, { isFile: true }), CompileError, "provider app is not defined");
  const behind = "provider app { probe go(int); };\n#pragma D attributes Evolving/Evolving/ISA provider app args\n" +
    "BEGIN { trace(1); }";
  const { providers } = compileProgram(behind, { isFile: true });
  assertEquals(providers[0]!.attributes.args, { name: "Evolving", data: "Evolving", class: "ISA" });
  assertEquals(providers[0]!.attributes.name, { name: "Unstable", data: "Unstable", class: "Common" });
});

Deno.test("compileProgram() gives a clause the least of the attributes of what it uses", () => {
  const source =
    "#pragma D attributes Evolving/Stable/ISA x\ninline int x = 1;\nBEGIN { trace(x); }\nEND { trace(1); }";
  const { clauses } = compileProgram(source, { isFile: true });
  assertEquals(clauses.map(({ attributes }) => attributes), [
    { name: "Evolving", data: "Stable", class: "ISA" },
    { name: "Stable", data: "Stable", class: "Common" },
  ]);
});

Deno.test("compileProgram() hints at what the user can do", () => {
  const hintOf = (source: string) => assertThrows(() => compileProgram(source), CompileError).hint;
  assertEquals(hintOf("BEGIN { trace($target); }"), "Name a process with -p or a command with -c");
  assertEquals(hintOf("#define X 1\n"), "Preprocess the program with -C");
  assertEquals(hintOf("BEGIN { copyinstr((char *)arg0); }"), "Write (uintptr_t) in front of the pointer");
});

Deno.test("PROTOTYPES have types that exist", () => {
  const names = [...PROTOTYPES.values()].flatMap(({ kind, returns, parameters }) => [
    ...(kind === "subroutine" && returns !== "void" ? [returns] : []),
    ...parameters.map(({ type }) => type).filter((type) => type !== "@"),
  ]);
  const source = [...new Set(names)].map((name, index) => `BEGIN { trace(sizeof (${name})); x${index} = 1; }`).join(
    "\n",
  );
  assertEquals(compileProgram(source).clauses.length, new Set(names).size);
});

Deno.test("librarySource() has the constants that a text mentions, and those that they stand for", () => {
  const names = (text?: string) =>
    [...librarySource(text).matchAll(/^inline int (E\w+|R_\w+) /gm)].map(([, name]) => name);
  assertEquals(names("BEGIN { trace(EWOULDBLOCK); trace(uregs[R_PC]); }"), ["EAGAIN", "R_RIP", "EWOULDBLOCK", "R_PC"]);
  assertEquals([names("").length, names().includes("EINVAL"), names().includes("R_GSBASE")], [0, true, true]);
});

Deno.test("compileProgram() hints at variables and constants of nearly the same name", () => {
  const hintOf = (name: string) =>
    assertThrows(() => compileProgram(`int counted; BEGIN { trace(${name}); }`), CompileError).hint;
  assertEquals(["SIGCHDL", "timestmap", "countd", "elephant"].map(hintOf), [
    ...["did you mean SIGCHLD?", "did you mean timestamp?", "did you mean counted?", undefined],
  ]);
});
