/** The results are those of the documentation's chapter on subroutines; `index` and `substr` are Perl's. */

import { assertEquals } from "@std/assert";
import { run, Simulation } from "../simulated.ts";

/** Evaluates expressions. */
function evaluate(...expressions: readonly string[]): unknown[] {
  return run(expressions.map((expression) => `trace(${expression});`).join(" "));
}

Deno.test("strlen() and strjoin() count and join bytes", () => {
  assertEquals(evaluate('strlen("")', 'strlen("abc")', 'strjoin("ab", "cd")', 'strjoin(strjoin("a", "b"), "c")'), [
    0n,
    3n,
    "abcd",
    "abc",
  ]);
  assertEquals(run('trace(strjoin("abcd", "efgh"));', { strsize: 7 }), ["abcdef"]);
});

Deno.test("strjoin(), a constant and a built-in variable are read byte by byte", () => {
  assertEquals(evaluate('"xyz"[2]', 'strjoin("ab", "cd")[2]', "probename[0] == probename[0]", "*probeprov == 0"), [
    BigInt("z".charCodeAt(0)),
    BigInt("c".charCodeAt(0)),
    1n,
    0n,
  ]);
});

Deno.test("strchr(), strrchr() and strstr() give the rest of the string, or NULL", () => {
  assertEquals(
    evaluate(
      "strchr(\"a/b/c\", '/')",
      "strrchr(\"a/b/c\", '/')",
      'strstr("a/b/c", "b/")',
      "strchr(\"abc\", 'x') == NULL",
      'strstr("abc", "")',
      'strstr("abc", "x") == NULL',
    ),
    ["/b/c", "/c", "b/c", 1n, "abc", 1n],
  );
});

Deno.test("index() and rindex() count from 0, and give -1 for what is not there", () => {
  assertEquals(
    evaluate(
      'index("BillyTheKid", "The")',
      'index("BillyTheKid", "l", 3)',
      'index("BillyTheKid", "x")',
      'index("BillyTheKid", "B", -5)',
      'index("BillyTheKid", "", 5)',
      'index("BillyTheKid", "", 99)',
      'rindex("BillyTheKid", "i")',
      'rindex("BillyTheKid", "i", 8)',
      'rindex("BillyTheKid", "", 5)',
      'rindex("BillyTheKid", "B", -1)',
      'rindex("foofoofoo", "foo", 5)',
    ),
    [5n, 3n, -1n, 0n, 5n, 11n, 9n, 1n, 5n, -1n, 3n],
  );
});

Deno.test("substr() counts from the end with negative numbers", () => {
  assertEquals(
    evaluate(
      'substr("CRAIG: Positioning himself", 7)',
      'substr("foobarbaz", 3, 3)',
      'substr("foobarbaz", -3)',
      'substr("foobarbaz", -3, 2)',
      'substr("foobarbaz", 2, -2)',
      'substr("foobarbaz", -20, 14)',
      'substr("foobarbaz", 9)',
      'substr("foobarbaz", 3, 99)',
      'substr("foobarbaz", 5, -9)',
    ),
    ["Positioning himself", "bar", "baz", "ba", "obarb", "foo", "", "barbaz", ""],
  );
});

Deno.test("strtok() goes on where it was", () => {
  assertEquals(
    run(
      'this->s = "//a/bc//d"; trace(strtok(this->s, "/")); trace(strtok(0, "/")); trace(strtok(0, "/")); trace(strtok(0, "/") == NULL);',
    ),
    ["a", "bc", "d", 1n],
  );
});

Deno.test("tolower() and toupper() change letters", () => {
  assertEquals(evaluate('tolower("AbC[1")', 'toupper("aBc{1")'), ["abc[1", "ABC{1"]);
});

Deno.test("basename(), dirname() and cleanpath() take paths apart", () => {
  for (
    const [path, base, folder] of [
      ["/foo/bar/baz", "baz", "/foo/bar"],
      ["/foo/bar///", "bar", "/foo"],
      ["/foo", "foo", "/"],
      ["foo", "foo", "."],
      ["/", "/", "/"],
      ["//", "/", "/"],
      ["", ".", "."],
      ["a//b", "b", "a"],
    ]
  ) assertEquals(evaluate(`basename("${path}")`, `dirname("${path}")`), [base, folder], path!);
  for (
    const [path, clean] of [["/foo/bar/baz", "/foo/bar/baz"], ["/foo/./bar/../baz", "/foo/baz"], ["//a///b", "/a/b"], [
      "/../a",
      "/a",
    ], [
      "a/b/..",
      "a",
    ], ["/..", "/"]]
  ) assertEquals(evaluate(`cleanpath("${path}")`), [clean], path!);
});

Deno.test("lltostr() and strtoll() are each other's inverse", () => {
  assertEquals(
    evaluate("lltostr(-123)", "lltostr(0)", "lltostr(0x7fffffffffffffff)", "lltostr(-0x7fffffffffffffff - 1)"),
    [
      "-123",
      "0",
      "9223372036854775807",
      "-9223372036854775808",
    ],
  );
  assertEquals(evaluate("lltostr(255, 16)", "lltostr(8, 8)", "lltostr(5, 2)"), ["0xff", "010", "101"]);
  assertEquals(
    evaluate(
      'strtoll("  -42x")',
      'strtoll("0x7f", 16)',
      'strtoll("101", 2)',
      'strtoll("")',
      'strtoll("9223372036854775807")',
    ),
    [-42n, 127n, 5n, 0n, 2n ** 63n - 1n],
  );
});

Deno.test("htons() and its like swap bytes", () => {
  assertEquals(evaluate("htons(0x1234)", "ntohl(0x12345678)", "htonll(0x0102030405060708)"), [
    0x3412n,
    0x78563412n,
    0x0807060504030201n,
  ]);
});

Deno.test("inet_ntoa(), inet_ntoa6(), inet_ntop() and link_ntop() print addresses", () => {
  const simulation = new Simulation(`
    BEGIN {
      trace(inet_ntoa((ipaddr_t *)copyin(arg0, 4)));
      trace(inet_ntop(2, copyin(arg0, 4)));
      trace(inet_ntop(10, copyin(arg1, 16)));
      trace(inet_ntop(10, copyin(arg2, 16)));
      trace(inet_ntop(10, copyin(arg3, 16)));
      trace(link_ntop(1, copyin(arg1, 6)));
    }
  `);
  const { memory } = simulation.hit;
  memory.set(0x1000, Uint8Array.of(127, 0, 0, 1));
  memory.set(0x2000, Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1));
  memory.set(0x3000, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1));
  memory.set(0x4000, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3));
  assertEquals(simulation.fire("BEGIN", 0x1000, 0x2000, 0x3000, 0x4000).values(), [
    "127.0.0.1",
    "127.0.0.1",
    "fe80::200:0:0:1",
    "::1",
    "::ffff:10.1.2.3",
    "fe:80:00:00:00:00",
  ]);
});

Deno.test("json() finds elements as they stand in the document", () => {
  const document = String.raw`{\"a\": {\"b\": [1, -2.5e3, {\"c\": \"x y\"}]}, \"d\" : true, \"e\":[]}`;
  const find = (selector: string) => evaluate(`json("${document}", "${selector}")`)[0];
  assertEquals(["a.b[0]", "a.b[1]", "a.b[2].c", "d", "e", "a.b[2]"].map(find), [
    "1",
    "-2.5e3",
    "x y",
    "true",
    "[]",
    '{"c": "x y"}',
  ]);
  const isMissing = (selector: string) => evaluate(`json("${document}", "${selector}") == NULL`)[0];
  assertEquals(["x", "a.b[9]", "a[0]", "d.e", "d"].map(isMissing), [1n, 1n, 1n, 1n, 0n]);
});

Deno.test("copyin(), copyinstr() and copyinto() read memory of the process", () => {
  const simulation = new Simulation(
    `
    BEGIN {
      trace(*(int *)copyin(arg0, 4)); trace(copyinstr(arg1)); trace(copyinstr(arg1, 3));
      this->p = (char *)alloca(8); copyinto(arg1, 3, this->p); trace(stringof(this->p)); trace(this->p[1]);
    }
  `,
    { strsize: 8 },
  );
  simulation.hit.memory.set(0x1000, new Uint8Array(Int32Array.of(-77).buffer));
  simulation.hit.setText(0x2000, "abcdefghijkl");
  assertEquals(simulation.fire("BEGIN", 0x1000, 0x2000).values(), [-77n, "abcdefg", "ab", "abc", 98n]);
});

Deno.test("copyinstr() reads a string at the end of what can be read", () => {
  const simulation = new Simulation("BEGIN { trace(copyinstr(arg0)); }");
  simulation.hit.setText(0x2000, "end");
  assertEquals(simulation.fire("BEGIN", 0x2000).values(), ["end"]);
});

Deno.test("copyout(), copyoutstr() and bcopy() write memory", () => {
  const simulation = new Simulation(`
    BEGIN {
      this->p = alloca(8); bcopy(copyin(arg2, 4), this->p, 4); trace(stringof(this->p));
      copyout(this->p, arg0, 3); copyoutstr("xyz", arg1, 8);
    }
  `);
  const memory = new Uint8Array(16).fill(0x2e);
  simulation.hit.memory.set(0x1000, memory);
  simulation.hit.setText(0x2000, "abc");
  assertEquals(simulation.fire("BEGIN", 0x1000, 0x1008, 0x2000).values(), ["abc"]);
  assertEquals(new TextDecoder().decode(memory), "abc.....xyz\0....");
});

Deno.test("progenyof(), getmajor() and getminor() answer", () => {
  assertEquals(evaluate("progenyof(1)", "progenyof(2)", "getmajor(0x800011)", "getminor(0x800011)"), [1n, 0n, 8n, 17n]);
});

Deno.test("rand() gives other numbers each time", () => {
  assertEquals(new Set(evaluate(...Array.from({ length: 20 }, () => "rand()"))).size > 15, true);
});

Deno.test("strlen() of a call in the arguments of another one keeps the cells apart", () => {
  assertEquals(
    evaluate('strjoin(substr("abcdef", index("xyz", "z"), strlen("ab")), strjoin("-", lltostr(strlen("four"))))'),
    ["cd-4"],
  );
});
