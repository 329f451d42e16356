/**
 * The house rules that can be read off the files; those of the syntax tree are in `tidy/lint_plugin.ts`.
 */

import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";

const ROOT = new URL("../", import.meta.url);
const NOT_OURS = new Set([".git", "build", "dist", "node_modules", "deno.lock"]);
const LINES_MAX = 500;

/** The six files of an architecture. */
const ARCHITECTURE_FILES = ["architecture", "arguments", "decode", "displace", "emulate", "install"];

/** The text files of the repository by their path from the root. */
const FILES: ReadonlyMap<string, string> = new Map([...readFiles("")].sort());

function* readFiles(folder: string): Generator<[path: string, text: string]> {
  for (const entry of Deno.readDirSync(new URL(folder, ROOT))) {
    if (NOT_OURS.has(entry.name)) continue;
    const path = folder + entry.name;
    if (entry.isDirectory) yield* readFiles(`${path}/`);
    else yield [path, Deno.readTextFileSync(new URL(path, ROOT))];
  }
}

/** The files whose path matches. */
function filesAt(path: RegExp): [path: string, text: string][] {
  const files = [...FILES].filter(([name]) => path.test(name));
  assertGreaterOrEqual(files.length, 1, `no file matches ${path}`);
  return files;
}

/** The places where an expression occurs in files, as `path:line: text`. */
function find(files: Iterable<[path: string, text: string]>, expression: RegExp): string[] {
  const found: string[] = [];
  for (const [path, text] of files) {
    text.split("\n").forEach((line, index) => {
      if (expression.test(line)) found.push(`${path}:${index + 1}: ${line.trim()}`);
    });
  }
  return found;
}

/** Modules of the library, its command and its C part. */
const IMPLEMENTATION = /^(lib\/.*\.ts|ffi\/.*\.(ts|c|h)|\w+\.ts)$/;

Deno.test("tidy: a module has 500 lines or fewer", () => {
  const long = filesAt(IMPLEMENTATION)
    .map(([path, text]) => `${path}: ${text.split("\n").length - 1} lines`)
    .filter((entry) => parseInt(entry.split(": ")[1]!) > LINES_MAX);
  assertEquals(long, []);
});

Deno.test("tidy: a module opens with a comment that says what it is for", () => {
  const bare = filesAt(/^(lib|ffi)\/.*\.ts$/).filter(([, text]) =>
    !/^\/\*\*\n(?: \*.*\n)* \* @module\n \*\/\n/.test(text)
  );
  assertEquals(bare.map(([path]) => path), []);
});

Deno.test("tidy: no module imports itself by way of others", () => {
  const imports = new Map(filesAt(IMPLEMENTATION).map(([path, text]) => [path, importsOf(path, text)]));
  const finished = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    assert(!way.includes(path), [...way, path].join(" -> "));
    if (finished.has(path)) return;
    for (const imported of imports.get(path) ?? []) visit(imported, [...way, path]);
    finished.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
});

/** The modules of the repository that a module imports when it runs; types alone make no cycle. */
function importsOf(path: string, text: string): string[] {
  return [...text.matchAll(/^(?:import|export) (?!type )[^;]*?from "(\.[^"]*)"/gm)]
    .map((match) => new URL(match[1]!, new URL(path, ROOT)).href.slice(ROOT.href.length));
}

Deno.test("tidy: nothing that changes the tables of fasttrap waits, so that nobody finds them half changed", () => {
  const waits = find(filesAt(/^lib\/fasttrap\/.*\.ts$/), /^(?! *(?:\/?\*|\/\/)).*\b(?:async|await|Promise)\b/);
  assertEquals(waits, []);
});

Deno.test("tidy: a known gap names its issue", () => {
  assertEquals(find(FILES, /\b(?:TODO(?!\(#\d+\): )|FIXME|XXX)\b/).filter((place) => !isAboutRules(place)), []);
});

/** Whether a place is in a file that has to name what it forbids. */
function isAboutRules(place: string): boolean {
  return place.startsWith("tests/tidy") || place.startsWith("CONTRIBUTING.md");
}

Deno.test("tidy: an architecture consists of the same six files", () => {
  const architectures = new Set(filesAt(/^lib\/isa\/\w+\//).map(([path]) => path.split("/")[2]!));
  for (const architecture of architectures) {
    const missing = ARCHITECTURE_FILES.filter((name) => !FILES.has(`lib/isa/${architecture}/${name}.ts`));
    assertEquals(missing, [], `lib/isa/${architecture}`);
  }
});

Deno.test("tidy: no file knows the machine that it was made on", () => {
  const root = ROOT.pathname.slice(0, -1);
  assert(root.length > 1);
  const escaped = root.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  assertEquals(
    find(FILES, new RegExp(`${escaped}\\b|/home/\\w|/Users/\\w`)).filter((place) => !isAboutRules(place)),
    [],
  );
});

Deno.test("tidy: no line ends in blanks or holds a tab", () => {
  assertEquals(find(filesAt(/\.(ts|c|h|md|json)$/), /[ \t]$|\t/), []);
});

Deno.test("tidy: the name of a test says of what it is a test", () => {
  // A function with its parentheses, any other symbol, an error's tag, a screen of the command, or a rule of this file.
  const subject =
    /^(?:[\w$.]+(?:\[Symbol\.\w+\])?\(\),?|\$\{\w+\}\(\)|(?=\w*[A-Z_.])[\w$.]+,?|\/proc\/\S+|D_[A-Z_]+:|fasttrap|tidy:) \S/;
  const names = testNames();
  assertGreaterOrEqual(names.length, 100);
  assertEquals(names.filter(({ name }) => !subject.test(name)), []);
});

Deno.test("tidy: every tag of DTrace that is thrown has a test that names it", () => {
  const names = testNames().map(({ name }) => name);
  const thrown = new Set(
    filesAt(/^(lib\/.*|\w+)\.ts$/).flatMap(([, text]) =>
      [...text.matchAll(/(?:DTraceError|\bfail)\(\s*"(D_\w+)"/g)].map((match) => match[1]!)
    ),
  );
  assertEquals([...thrown].filter((tag) => !names.some((name) => name.includes(tag))).sort(), []);
});

/** fasttrap's rules, and the mistakes of other implementations. */
const RULES: readonly string[] = [
  ...Array.from({ length: 153 }, (_, i) => String(i + 1)),
  ...Array.from({ length: 35 }, (_, i) => `L${i + 1}`),
];

Deno.test("tidy: every rule of fasttrap has modules that are there, and a test that is there or a reason", () => {
  const rows = ruleRows();
  assertEquals(rows.map(({ rule }) => rule), RULES);
  const names = new Set(testNames().map(({ name }) => name));
  const mistakes = rows.flatMap(({ rule, what, modules, proofs }) => [
    ...(what === "" ? [`${rule} says nothing`] : []),
    ...modules.filter((path) => path !== "—" && !FILES.has(path)).map((path) => `${rule}: there is no ${path}`),
    ...proofs.filter((proof) => !proof.startsWith("— ") && !names.has(proof)).map((proof) =>
      `${rule}: there is no test "${proof}"`
    ),
  ]);
  assertEquals(mistakes, []);
});

/** A row of the table of rules in ARCHITECTURE.md. */
interface RuleRow {
  readonly rule: string;
  readonly what: string;
  /** Paths; a dash where no module is concerned. */
  readonly modules: readonly string[];
  /** Names of tests, and reasons that begin with a dash. */
  readonly proofs: readonly string[];
}

function ruleRows(): RuleRow[] {
  const [, section = ""] = /\n## fasttrap, rule by rule\n([^]*?)\n## /.exec(FILES.get("ARCHITECTURE.md")!) ?? [];
  const rows = section.split("\n").filter((line) => /^\| L?\d+ /.test(line));
  return rows.map((line) => {
    // A bar in a name is escaped.
    const cells = line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim().replaceAll("\\|", "|"));
    assertEquals(cells.length, 4, line);
    const [rule, what, modules, proofs] = cells as [string, string, string, string];
    return { rule, what, modules: partsOf(modules), proofs: partsOf(proofs) };
  });
}

/** The parts of a cell, without the marks of code around them. */
function partsOf(cell: string): string[] {
  return cell.split("<br>").map((part) => part.replace(/^`(.*)`$/, "$1"));
}

/** The names of all tests, as they stand in the source: those of `Deno.test`, and of functions such as `testIf`. */
function testNames(): { path: string; name: string }[] {
  return filesAt(/^tests\/.*_test\.ts$/).flatMap(([path, text]) => {
    const direct = text.matchAll(/^ *Deno\.test(?:\.\w+)?\(\s*(?:\{\s*name:\s*)?(["`'])(.*?)\1/gm);
    // Such a function declares a test when it is called, and takes the name last of its strings.
    const wrapped = text.matchAll(/^ *test[A-Z]\w*\([^]*?(["`'])((?:(?!\1).)*)\1,\s*(?:async )?\(\w*\) =>/gm);
    return [...direct, ...wrapped].map((match) => ({ path, name: match[2]! }));
  });
}
