import { assert, assertEquals, assertThrows } from "@std/assert";
import { compileGlob, isGlob } from "../../lib/spec/glob.ts";

/** The definition of a glob, as short as it can be written, and exponential. */
function matchesNaively(glob: string, name: string): boolean {
  if (glob === "") return name === "";
  if (glob[0] === "*") {
    return matchesNaively(glob.slice(1), name) || (name !== "" && matchesNaively(glob, name.slice(1)));
  }
  if (name === "") return false;
  if (glob[0] === "?") return matchesNaively(glob.slice(1), name.slice(1));
  if (glob[0] === "\\") return glob[1] === name[0] && matchesNaively(glob.slice(2), name.slice(1));
  if (glob[0] !== "[") return glob[0] === name[0] && matchesNaively(glob.slice(1), name.slice(1));
  const set = /^\[(!?)(\]?[^\]]*)\]/.exec(glob)!;
  // Only the letters of the test occur, so that a set can be asked letter by letter.
  const members = set[2]!.replace(/(.)-(.)/g, (_, low: string, high: string) => {
    return [..."abc]"].filter((letter) => letter >= low && letter <= high).join("");
  });
  return members.includes(name[0]!) !== (set[1] === "!") && matchesNaively(glob.slice(set[0].length), name.slice(1));
}

/** A generator of numbers below a bound: a linear congruence, so that a failure can be repeated. */
function randomNumbers(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

const CASES: [glob: string, matching: string[], others: string[]][] = [
  ["malloc", ["malloc"], ["mallo", "mallocs", "xmalloc", ""]],
  ["*", ["", "a", "abc"], []],
  ["", ["", "a", "abc"], []],
  ["**", ["", "abc"], []],
  ["mem*", ["mem", "memcpy"], ["me", "xmem"]],
  ["*cpy", ["cpy", "memcpy"], ["memcpy2"]],
  ["*m*c*", ["mc", "memcpy", "xmxcx"], ["cm"]],
  ["a*a", ["aa", "aba"], ["a", "ab"]],
  ["?", ["a"], ["", "ab"]],
  ["?*", ["a", "ab"], [""]],
  ["*?b", ["ab", "xxab", "bb"], ["b", "ba"]],
  ["a?c*", ["abc", "abcd"], ["ac", "xbc"]],
  ["[abc]", ["a", "b", "c"], ["d", ""]],
  ["[a-c]x", ["ax", "bx", "cx"], ["dx", "-x"]],
  ["[!a-c]", ["d", "-", "!"], ["a", "b", "c"]],
  ["[a!]", ["a", "!"], ["b"]],
  ["[]a]", ["]", "a"], ["b"]],
  ["[!]a]", ["b"], ["]", "a"]],
  ["[a-]", ["a", "-"], ["b"]],
  ["[-a]", ["a", "-"], ["b"]],
  ["[c-a]", [], ["a", "b", "c"]],
  ["[\\]]", ["]"], ["\\"]],
  ["[\\a-\\c]", ["b"], ["-"]],
  ["\\*", ["*"], ["a", ""]],
  ["a\\?b", ["a?b"], ["axb"]],
  ["\\[a]", ["[a]"], ["a"]],
  ["a]", ["a]"], ["a"]],
  ["main.(?T).Run", ["main.(*T).Run"], ["main.(T).Run"]],
];

for (const [glob, matching, others] of CASES) {
  Deno.test(`compileGlob() follows gmatch on "${glob}"`, () => {
    const matches = compileGlob(glob);
    for (const name of matching) assert(matches(name), `"${name}" should match`);
    for (const name of others) assert(!matches(name), `"${name}" should not match`);
  });
}

Deno.test("compileGlob() throws SyntaxError on what is not a glob", () => {
  for (const glob of ["[a", "a[", "[]", "[!]", "[a-", "[a\\", "a\\"]) {
    assertThrows(() => compileGlob(glob), SyntaxError, "Cannot compile glob", glob);
  }
});

Deno.test("compileGlob() agrees with the naive definition", () => {
  const random = randomNumbers(1);
  const parts = ["a", "b", "c", "?", "*", "*", "[ab]", "[!a]", "[a-b]", "[]a]", "\\a", "\\*"];
  let matched = 0;
  for (let i = 0; i < 50_000; i++) {
    const glob = Array.from({ length: 1 + random(6) }, () => parts[random(parts.length)]).join("");
    const name = Array.from({ length: random(8) }, () => "abc]*"[random(5)]).join("");
    const expected = matchesNaively(glob, name);
    matched += Number(expected);
    assertEquals(compileGlob(glob)(name), expected, `"${glob}" on "${name}"`);
  }
  assert(matched > 2_000 && matched < 45_000, `the cases are one-sided: ${matched}`);
});

Deno.test("compileGlob() makes matchers that hostile globs cannot slow down", () => {
  // With backtracking each would take longer than the universe is old, so that the limit need not be a tight one.
  const name = "a".repeat(4_000);
  const started = performance.now();
  for (
    const glob of [
      "*a".repeat(1_000) + "b",
      "a*".repeat(1_000) + "b",
      "*?a".repeat(1_000) + "[b]*",
      "*[!b]a".repeat(1_000) + "b*",
      `*${"a".repeat(2_000)}b*`,
      `*${"?".repeat(1_000)}b*`,
    ]
  ) assert(!compileGlob(glob)(name));
  const elapsedMs = performance.now() - started;
  assert(elapsedMs < 1_000, `it took ${elapsedMs} ms`);
});

Deno.test("isGlob() tells globs from names", () => {
  for (const glob of ["", "*", "a?", "[a]", "\\a"]) assert(isGlob(glob), glob);
  for (const name of ["malloc", "a.out", "-", "a]", "1f", "$u7b$"]) assert(!isGlob(name), name);
});
