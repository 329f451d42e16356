/**
 * Programs with the probes of `sys/sdt.h`, in C and in C++ and at each level of optimisation: what a probe passes is what
 * the program itself prints.
 */

import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import type { HitRecord } from "../../mod.ts";
import { readelfNotes } from "../object/stap_notes.ts";
import { run } from "../cli/command.ts";
import { missing, runBoth, testWith, Workshop } from "./real_program.ts";

const SDT = "/usr/include/x86_64-linux-gnu/sys/sdt.h";
const COMPILERS = ["gcc", "g++"];
const LEVELS = ["-O0", "-O1", "-O2", "-O3", "-Os"];
const SOURCE = "sdt_types.c";

/** Compiles the program. */
function compile(workshop: Workshop, compiler: string, level: string): string {
  const language = compiler === "g++" ? ["-x", "c++"] : [];
  return workshop.compile([compiler, "-Wall", level, ...language], SOURCE);
}

/** What the program says that it has passed, line by line. */
function passed(stdout: string): string[] {
  // Floating-point numbers have more digits in C than they need.
  return stdout.trim().split("\n").slice(0, -1).map((line) =>
    line.replace(/\d\.\d{15,}/g, (digits) => String(Number(digits)))
  );
}

/** The arguments of a hit as the program prints them. */
function valuesOf(hit: HitRecord): (number | bigint)[] {
  const { argumentTypes = [] } = hit.probe;
  return argumentTypes.map((type, index) => {
    if (type === "double" || type === "float") return hit.arg(index);
    const exact = hit.argBigInt(index);
    assertEquals(hit.arg(index), Number(exact));
    return exact;
  });
}

function lineOf(name: string, values: readonly unknown[]): string {
  return [name.replace("-site", ""), ...values].join(" ");
}

for (const compiler of COMPILERS) {
  for (const level of LEVELS) {
    testWith(
      [compiler, SDT],
      `HitRecord.arg() of probes compiled by ${compiler} ${level} is what they were passed`,
      async () => {
        using workshop = new Workshop();
        const lines: string[] = [];
        const all = (hit: HitRecord) => void lines.push(lineOf(hit.probe.name, valuesOf(hit)));
        const command = [compile(workshop, compiler, level)];
        const { outcome, hits, ways, warnings } = await runBoth(command, { all: "types$target:::" }, {
          recorders: { all },
        });
        const printed = passed(outcome.stdout);
        // Of a text the record has the address, which nobody prints.
        const plain = (text: string) => text.startsWith("strings") ? "strings" : text;
        assertEquals(lines.map(plain), printed.map(plain));
        assertEquals([hits.all, warnings], [printed.length, []]);
        assertGreaterOrEqual([...ways.values()].filter((reason) => reason === undefined).length, 4);
      },
    );

    testWith(
      [compiler, SDT],
      `Hit.arg() of probes compiled by ${compiler} ${level} is what they were passed`,
      async () => {
        using workshop = new Workshop();
        const program = compile(workshop, compiler, level);
        const lines: string[] = [];
        const { outcome, hits, unplaced, warnings } = await runBoth([program], { all: "types$target:::" }, {
          handlers: {
            all: (_session, hit) => {
              const { name, argumentTypes = [] } = hit.probe;
              const texts = () => argumentTypes.map((_, index) => hit.readString(hit.arg(index)));
              lines.push(lineOf(name, name === "strings" ? texts() : valuesOf(hit)));
            },
          },
        });
        const printed = passed(outcome.stdout);
        assertEquals(lines, printed);
        assertEquals([hits.all, unplaced, warnings], [printed.length, [], []]);
      },
    );
  }
}

testWith(
  [...COMPILERS, SDT, "readelf"],
  "fasttrap usdt list understands each operand that compilers write",
  async () => {
    using workshop = new Workshop();
    for (const compiler of COMPILERS) {
      for (const level of LEVELS) {
        const language = compiler === "g++" ? ["-x", "c++"] : [];
        const program = workshop.compile([compiler, level, ...language], SOURCE);
        const { code, stdout, stderr } = await run(["usdt", "list", "--format", "json", program]);
        assertEquals([code, stderr], [0, ""]);
        assertListed(stdout, program);
      }
    }
  },
);

const no32 = missing("gcc", "readelf", SDT) ?? (compiles32() ? undefined : "gcc cannot compile for 32 bits here");
Deno.test({
  name: "fasttrap usdt list understands the operands of 32-bit programs" + (no32 ? ` (ignored: ${no32})` : ""),
  ignore: no32 !== undefined,
  async fn() {
    using workshop = new Workshop();
    for (const level of LEVELS) {
      for (const position of ["-fPIC", "-fno-pic"]) {
        const options = ["-m32", "-ffreestanding", "-nostdlib", "-shared", position, level, "-w", "-Wl,-z,notext"];
        const path = workshop.compile(["gcc", ...options, `-I${SDT.replace("/sys/sdt.h", "")}`], "sdt_types_32.c");
        const { code, stdout, stderr } = await run(["usdt", "list", "--format", "json", path]);
        assertEquals([level, code, stderr], [level, 0, ""]);
        assertListed(stdout, path);
      }
    }
  },
});

/** Asserts that a list has the sites and the operands that readelf finds, and that each operand is understood. */
function assertListed(json: string, path: string): void {
  type Site = { address: number; semaphore?: number; arguments: { operand: string; place: { kind: string } }[] };
  const { providers } = JSON.parse(json) as { providers: { probes: { name: string; sites: Site[] }[] }[] };
  const sites = providers.flatMap(({ probes }) => probes.flatMap(({ sites }) => sites));
  const listed = sites.map((site) => `${site.address} ${site.arguments.map(({ operand }) => operand).join(" ")}`);
  const notes = readelfNotes(path).map(({ location, operands }) => `${location} ${operands.trim()}`);
  assert(notes.length >= 8, String(notes));
  assertEquals(listed.map((line) => line.trim()).sort(), notes.map((line) => line.trim()).sort());
  const unknown = sites.flatMap((site) => site.arguments.filter(({ place }) => place.kind === "unknown"));
  assertEquals(unknown, []);
}

/** Whether the compiler and the linker make 32-bit objects, for which there need be no C library. */
function compiles32(): boolean {
  using workshop = new Workshop();
  const args = ["-m32", "-ffreestanding", "-nostdlib", "-shared", "-o", `${workshop.path}/empty`, "-xc", "/dev/null"];
  return new Deno.Command("gcc", { args, stderr: "null" }).outputSync().success;
}
