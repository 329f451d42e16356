/** Whole programs and their screens, reasoned from the documentation's examples. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { screenOf } from "./screens.ts";

const HEADER = "CPU     ID                    FUNCTION:NAME\n";
const BEGIN = "  0      1                           :BEGIN ";
const END = "  0      2                             :END ";
const COLUMN = (text: string) => `  ${text.padEnd(50)}`;

Deno.test("TextWriter prints a row for each record, with what its actions print", () => {
  assertEquals(
    screenOf('BEGIN { trace(5); trace("hi"); } END {}').out,
    `${HEADER}${BEGIN}        5  ${"hi".padEnd(33)}\n${END}\n\n`,
  );
  assertEquals(screenOf('BEGIN { printf("hello %d\\n", 5); }').out, `${HEADER}${BEGIN}hello 5\n\n\n`);
  assertEquals(screenOf("BEGIN { exit(3); }").out, `${HEADER}${BEGIN}\n\n`);
});

Deno.test("TextWriter prints only what actions print with quiet", () => {
  assertEquals(
    screenOf('BEGIN { trace(5); trace("hi\\n"); printf("%s!\\n", "a"); }', { set: ["quiet"] }).out,
    "5hi\na!\n\n",
  );
});

Deno.test("TextWriter leaves out CPU and number where outputs are compared", () => {
  assertEquals(
    screenOf("BEGIN { trace(5); }", { testing: true }).out,
    "                   FUNCTION:NAME\n                          :BEGIN         5\n\n",
  );
});

Deno.test("TextWriter indents by calls with flowindent", () => {
  const source = "a:b:f:entry, a:b:f:return { trace(arg0); }";
  const { out } = screenOf(source, {
    set: ["flowindent"],
    events: (screen) => screen.fire("entry", 1).fire("return", 2),
  });
  assertEquals(
    out,
    `CPU FUNCTION${" ".repeat(33)}\n  0 ${" -> f".padEnd(41)}                 1\n  0 ${
      " <- f".padEnd(41)
    }                 2\n\n`,
  );
});

Deno.test("TextWriter indents by calls with quiet too, and without the CPU where outputs are compared", () => {
  const source = 'a:b:f:entry { printf("a\\n"); } a:b:f:return { printf("b\\n"); }';
  const rows = [`FUNCTION${" ".repeat(33)}`, `${" -> f".padEnd(41)} a`, `${" <- f".padEnd(41)} b`];
  const out = (testing: boolean) =>
    screenOf(source, {
      set: ["flowindent", "quiet"],
      events: (screen) => screen.fire("entry", 1).fire("return", 2),
      testing,
    }).out;
  assertEquals(out(false), ["CPU ", "  0 ", "  0 "].map((cpu, row) => `${cpu}${rows[row]}\n`).join("") + "\n");
  assertEquals(out(true), rows.map((row) => `${row}\n`).join("") + "\n");
});

Deno.test("TextWriter prints aggregations at the end that were not printed", () => {
  const { out } = screenOf('BEGIN { @b = sum(7); @a["x"] = count(); @c = max(3); @d = count(); printa(@d); }', {
    set: ["quiet"],
  });
  assertEquals(out, `\n                1\n\n                7\n${COLUMN("x")}                1\n                3\n`);
});

Deno.test("TextWriter prints aggregations in the order of their variables, or the other way round", () => {
  const source = "BEGIN { @x[1] = sum(5); @x[2] = sum(1); @y[1] = count(); }";
  const lines = (set: string[]) =>
    screenOf(source, { set: ["quiet", ...set] }).out.trimEnd().split("\n").map((line) =>
      line.trim().replace(/ +/, ":")
    );
  assertEquals(lines([]), ["", "2:1", "1:5", "1:1"]);
  assertEquals(lines(["aggsortrev"]), ["", "1:1", "1:5", "2:1"]);
  assertEquals(lines(["aggsortkey"]), ["", "1:5", "2:1", "1:1"]);
});

Deno.test("TextWriter prints printa with formats", () => {
  const source = `
    BEGIN { @n["x"] = count(); @n["y"] = count(); @n["y"] = count(); @s["y"] = sum(-4); }
    END { printa("%-3s %@d\\n", @n); printa("%s %@d %@5d\\n", @n, @s); printa(@s); }
  `;
  assertEquals(
    screenOf(source, { set: ["quiet"] }).out,
    `x   1\ny   2\nx 1     0\ny 2    -4\n\n${COLUMN("y")}               -4\n\n`,
  );
});

Deno.test("TextWriter draws distributions of the sizes that a program sees", () => {
  const { out } = screenOf("BEGIN { @[ustack(2)] = quantize(16); }", { set: ["quiet"] });
  assertEquals(
    out,
    [
      "",
      "",
      "",
      "           value  ------------- Distribution ------------- count    ",
      `               8 |${" ".repeat(40)} 0        `,
      `              16 |${"@".repeat(40)} 1        `,
      `              32 |${" ".repeat(40)} 0        `,
      "",
      "",
    ].join("\n"),
  );
});

Deno.test("TextWriter prints stacks and symbols of the target", () => {
  const source = 'BEGIN { ustack(); printf("%A %s\\n", 0x1008, "x"); usym(0x1008); umod(0x1008); }';
  const { out } = screenOf(source, { set: ["quiet"] });
  assertEquals(out, `\nlibc.so.6\`malloc+0x8 x\n${COLUMN("libc.so.6`malloc")}${COLUMN("libc.so.6")}\n`);
});

Deno.test("TextWriter prints structures with print()", () => {
  const source = `
    enum kind { SMALL, LARGE };
    struct inner { short z; };
    struct point { int x; int y; char name[4]; enum kind kind; struct inner in; void *p; unsigned int low:3; };
    BEGIN {
      this->p = (struct point *)alloca(sizeof (struct point));
      this->p->x = -1; this->p->name[0] = 'a'; this->p->in.z = 7; this->p->low = 5; this->p->p = (void *)0x10;
      print(*this->p); print(this->p->x);
    }
  `;
  const indent = " ".repeat(44);
  assertEquals(
    screenOf(source, { set: ["quiet"] }).out,
    [
      "",
      `${indent}(struct point) {`,
      `${indent} .x = (int)-1,`,
      `${indent} .name = (char [4]) [`,
      `${indent}  (char)'a',`,
      `${indent} ],`,
      `${indent} .kind = (enum kind)SMALL,`,
      `${indent} .in = (struct inner) {`,
      `${indent}  .z = (short)7,`,
      `${indent} },`,
      `${indent} .p = (void *)0x10,`,
      `${indent} .low = (unsigned int)5,`,
      `${indent}}`,
      "(int)-1",
      "",
      "",
    ].join("\n"),
  );
});

Deno.test("TextWriter dumps what tracemem() records, as much as its third argument says", () => {
  const source =
    "BEGIN { this->p = alloca(4); *(int *)this->p = 0x64636261; tracemem(this->p, 4); tracemem(this->p, 4, 2); }";
  const { out } = screenOf(source, { set: ["quiet"] });
  assertStringIncludes(out, `         0: 61 62 63 64${" ".repeat(36)}  abcd\n`);
  assertStringIncludes(out, `         0: 61 62${" ".repeat(42)}  ab\n`);
});
