/**
 * The layout of structures, compared with that of the C compiler.
 */

import { assert, assertEquals } from "@std/assert";
import { compileProgram } from "../../lib/d/compile.ts";
import type { Expression, Statement } from "../../lib/d/tree.ts";
import { sizeOf } from "../../lib/d/types.ts";
import { makeRandomBelow } from "./random_below.ts";

const STRUCTURES = 60;
const TYPES = ["char", "short", "int", "long", "unsigned char", "unsigned int", "unsigned long", "char *", "int *"];

/** A structure that D and C declare alike. */
interface Structure {
  readonly name: string;
  readonly kind: string;
  readonly declaration: string;
  /** The names of members, with what an array needs to become a number. */
  readonly members: readonly string[];
}

function makeStructures(): Structure[] {
  const random = makeRandomBelow(99);
  return Array.from({ length: STRUCTURES }, (_, index) => {
    const members: string[] = [];
    const kind = random(5) === 0 ? "union" : "struct";
    const lines = Array.from({ length: 1 + random(7) }, (_, position) => {
      const type = TYPES[random(TYPES.length)]!;
      const name = `m${position}`;
      const form = random(6);
      if (form < 2 && !type.includes("*")) {
        const bits = 1 + random({ char: 8, short: 16, int: 32, long: 64 }[type.split(" ").at(-1)!]!);
        members.push(name);
        return `${type} ${name} : ${bits};`;
      }
      if (form === 2) {
        members.push(`${name}[1]`);
        return `${type} ${name}[3];`;
      }
      if (form === 3) {
        members.push(`${name}a`, `${name}b`);
        return `struct { char ${name}a; ${type} ${name}b; };`;
      }
      if (form === 4 && !type.includes("*")) {
        members.push(name);
        return `${type} : 3; ${type} ${name};`;
      }
      members.push(name);
      return `${type} ${name};`;
    });
    return { name: `s${index}`, kind, declaration: `${kind} s${index} { ${lines.join(" ")} };`, members };
  });
}

/** A program of C that prints the size of each structure, and which bits of it each member has. */
function cSource(structures: readonly Structure[]): string {
  const checks = structures.flatMap(({ name, kind, members }) => [
    `printf("${name} %zu\\n", sizeof (${kind} ${name}));`,
    ...members.map((member) =>
      `{ ${kind} ${name} s; memset(&s, 0, sizeof (s)); s.${member} = (__typeof__(s.${member} + 0)) ~0ul; ` +
      `printf("${member}"); for (unsigned i = 0; i < sizeof (s); i++) printf(" %u", ((unsigned char *)&s)[i]); puts(""); }`
    ),
  ]);
  return [
    "#include <stdio.h>",
    "#include <string.h>",
    ...structures.map(({ declaration }) => declaration),
    `int main(void) { ${checks.join("\n")} return 0; }`,
  ].join("\n");
}

/** The same in D: a load of each member. */
function dSource(structures: readonly Structure[]): string {
  const clauses = structures.map(({ name, kind, members }) =>
    `BEGIN { trace(*(${kind} ${name} *)0); ${
      members.map((member) => `trace(((${kind} ${name} *)0)->${member});`).join(" ")
    } }`
  );
  return [...structures.map(({ declaration }) => declaration), ...clauses].join("\n");
}

/** Says what C's program says of a clause of D. */
function describe({ name, members }: Structure, statements: readonly Statement[]): string[] {
  const loads = statements.map((statement) => {
    assert(statement.kind === "trace" && statement.value.kind === "load");
    return statement.value;
  });
  const sizeBytes = sizeOf(loads[0]!.type, 0);
  return [
    `${name} ${sizeBytes}`,
    ...members.map((member, index) => [member, ...bitsOf(loads[index + 1]!, sizeBytes)].join(" ")),
  ];
}

function bitsOf({ address, bits, form }: Expression & { kind: "load" }, sizeBytes: number): number[] {
  assert(address.kind === "constant" && form.kind === "number");
  const shift = 8 * address.value.lo + (bits?.shift ?? 0);
  const width = bits?.width ?? 8 * form.sizeBytes;
  if (bits !== undefined) assert(address.value.lo + bits.loadBytes <= sizeBytes, "nothing behind the end is loaded");
  const bytes = Array<number>(sizeBytes).fill(0);
  for (let bit = shift; bit < shift + width; bit++) bytes[bit >> 3]! |= 1 << (bit & 7);
  return bytes;
}

/** Compiles a program of C and runs it. */
async function run(source: string): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/layout.c`, source);
    const cc = new Deno.Command("cc", { args: ["-w", "-o", `${folder}/layout`, `${folder}/layout.c`] });
    const compiled = await cc.output();
    assert(compiled.success, new TextDecoder().decode(compiled.stderr));
    const { stdout } = await new Deno.Command(`${folder}/layout`).output();
    return new TextDecoder().decode(stdout).trim().split("\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("Declarer.declare() lays out structures as the C compiler does, bit-fields included", async () => {
  const structures = makeStructures();
  const expected = await run(cSource(structures));
  const { clauses } = compileProgram(dSource(structures), { isFile: true });
  assertEquals(structures.flatMap((structure, index) => describe(structure, clauses[index]!.statements)), expected);
});
