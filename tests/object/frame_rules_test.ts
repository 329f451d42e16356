/** Call frame information beside what `readelf` makes of it. */

import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { byteSource } from "../../lib/object/byte_source.ts";
import { ElfFile } from "../../lib/object/elf_file.ts";
import { FrameCursor } from "../../lib/object/frame_cursor.ts";
import { evaluate } from "../../lib/object/frame_expression.ts";
import { type FrameRow, frameRowAt, indexFrames } from "../../lib/object/frame_rules.ts";
import { type FrameSearch, searchFrames } from "../../lib/object/frame_search.ts";
import { frameSectionOf, frameTableOf, loadedBytes } from "../../lib/object/frame_table.ts";
import { Random } from "../isa/x86_64/random.ts";
import { exists, run, target } from "./files.ts";

/** How many rows of a file are compared at most. */
const ROWS_MAX = 20_000;
const MUTATIONS = 3000;

const X86_64_NAMES = [..."rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15".split(" "), "ra"];
const AARCH64_NAMES = [
  ...Array.from({ length: 31 }, (_, number) => `x${number}`),
  "sp",
  ...Array.from({ length: 32 }, () => ""),
  ...Array.from({ length: 32 }, (_, number) => `v${number}`),
];

/** A row as `readelf` has it, and where. */
interface ReadelfRow {
  readonly pc: number;
  readonly cfa: string;
  /** By the name of the register. */
  readonly rules: Readonly<Record<string, string>>;
}

/** The rows that `readelf` tells. */
function* readelfRows(path: string): Generator<ReadelfRow> {
  let names: string[] | undefined;
  let isFunction = false;
  for (const line of run("readelf", "-wFN", path).split("\n")) {
    // A register is named twice: r8 (r8).
    const words = line.trim().replace(/ \([a-z0-9]+\)/g, "").split(/ +/);
    if (/ (FDE|CIE) /.test(line)) isFunction = line.includes(" FDE ");
    else if (words[0] === "LOC") names = words.slice(2);
    else if (isFunction && names !== undefined && /^[0-9a-f]{16} /.test(line)) {
      const [pc, cfa, ...rules] = words;
      yield {
        pc: parseInt(pc!, 16),
        cfa: cfa!,
        rules: Object.fromEntries(names.map((name, index) => [name, rules[index]!])),
      };
    }
  }
}

/** A row of ours in the words of `readelf`. */
function inWords(row: FrameRow, { rules }: ReadelfRow, names: readonly string[]): { cfa: string; rules: object } {
  const cfa = "register" in row.cfa ? `${names[row.cfa.register]}${signed(row.cfa.offset)}` : "exp";
  const words = Object.keys(rules).map((name) => {
    const rule = row.rules.get(name === "ra" ? row.returnRegister : names.indexOf(name));
    if (rule === undefined) return [name, rules[name] === "s" ? "s" : "u"];
    if (rule.kind === "undefined") return [name, "u"];
    if (rule.kind === "offset") return [name, `c${signed(rule.value)}`];
    if (rule.kind === "value-offset") return [name, `v${signed(rule.value)}`];
    if (rule.kind === "register") return [name, `r${rule.value}`];
    return [name, rule.kind === "expression" ? "exp" : "vexp"];
  });
  return { cfa, rules: Object.fromEntries(words) };
}

function signed(value: number): string {
  return value < 0 ? `${value}` : `+${value}`;
}

function open(path: string) {
  const elf = new ElfFile(byteSource(Deno.readFileSync(path)), { name: path });
  return searching(elf);
}

function searching(elf: ElfFile) {
  const bytes = loadedBytes(elf);
  const table = frameTableOf(elf);
  const section = frameSectionOf(elf)!;
  const search: FrameSearch = table === undefined
    ? indexFrames(bytes, section.start, section.end)
    : (address) => searchFrames(bytes, table, address);
  return { bytes, search };
}

for (
  const [path, names] of [
    [target("frames"), X86_64_NAMES],
    [target("calls_static"), X86_64_NAMES],
    ["/lib/x86_64-linux-gnu/libc.so.6", X86_64_NAMES],
    ["/lib64/ld-linux-x86-64.so.2", X86_64_NAMES],
    ["/usr/lib/x86_64-linux-gnu/libstdc++.so.6", X86_64_NAMES],
    ["/usr/bin/python3.11", X86_64_NAMES],
    ["/usr/aarch64-linux-gnu/lib/libc.so.6", AARCH64_NAMES],
  ] as const
) {
  Deno.test({
    name: `frameRowAt() tells what readelf tells of ${
      path.slice(path.lastIndexOf("/") + 1)
    }, ${names.length} registers`,
    ignore: !exists(path),
    fn: () => {
      const { bytes, search } = open(path);
      const rows = [...readelfRows(path)];
      assertGreaterOrEqual(rows.length, 10);
      const step = Math.max(1, Math.floor(rows.length / ROWS_MAX));
      for (let index = 0; index < rows.length; index += step) {
        const row = rows[index]!;
        // An empty row, which the next one at the same place replaces.
        if (rows[index + 1]?.pc === row.pc) continue;
        const found = frameRowAt(bytes, search, row.pc);
        assert(found !== undefined, `nothing at ${row.pc.toString(16)}`);
        const { cfa, rules } = row;
        assertEquals(inWords(found, row, names), { cfa, rules }, `at ${row.pc.toString(16)}`);
      }
    },
  });
}

Deno.test("frameRowAt() tells the frames of signals by expressions", () => {
  const path = "/lib/x86_64-linux-gnu/libc.so.6";
  const { bytes, search } = open(path);
  const signals = [...readelfRows(path)].map(({ pc }) => frameRowAt(bytes, search, pc)).filter((row) => row?.isSignal);
  assertGreaterOrEqual(signals.length, 1);
  const [row] = signals;
  assert(row !== undefined && "expression" in row.cfa);
  // struct ucontext: the general registers begin with r8 at 40; rsp is the 16th and rip the 17th.
  const registers = X86_64_NAMES.map((_, number) => number === 7 ? 0x1000 : 0);
  const machine = { registers, word: (address: number) => address === 0x1000 + 40 + 8 * 15 ? 0x7000 : NaN };
  assertEquals(evaluate(row.cfa.expression, machine), 0x7000);
  const rule = row.rules.get(16);
  assert(rule?.kind === "expression");
  assertEquals(evaluate(rule.expression, machine, 0x7000), 0x1000 + 40 + 8 * 16);
});

Deno.test("evaluate() computes as DWARF does, and knows what it does not know", () => {
  const machine = { registers: [0x7fff_1234_5678, 5], word: (address: number) => address + 1 };
  const compute = (text: string, initial?: number) => {
    const bytes = new Uint8Array(text.split(" ").map((byte) => parseInt(byte, 16)));
    return evaluate(new FrameCursor(new DataView(bytes.buffer), 0), machine, initial);
  };
  // The linkage table's: rsp + 8 + ((rip & 15) >= 11) << 3.
  assertEquals(compute("71 08 70 00 3f 1a 3b 2a 33 24 22"), 13);
  assertEquals(compute("70 03 3f 1a 3b 2a"), 1);
  assertEquals(compute("70 00"), 0x7fff_1234_5678);
  assertEquals(compute("70 78"), 0x7fff_1234_5670);
  assertEquals(compute("06", 40), 41);
  assertEquals(compute("12 22", 4), 8);
  assertEquals(compute("08 ff 1c", 256), 1);
  assertEquals(compute("0b 00 80 19"), 0x8000);
  assertEquals(compute("31 32 16 1c"), 1);
  assertEquals(compute("31 32 14 1c 22"), 2);
  assertEquals(compute("35 23 80 01"), 133);
  assertEquals(compute("34 31 25"), 2);
  for (const unknown of ["22", "31 22", "70", "0c 01", "ff", "97", "92 63 00", "31 30 1b"]) {
    assertEquals(compute(unknown), NaN, unknown);
  }
});

Deno.test("frameRowAt() survives mutations of all that it reads", () => {
  const original = Deno.readFileSync(target("frames"));
  const { start, end } = (() => {
    const elf = new ElfFile(byteSource(original), { name: "frames" });
    const header = elf.section(".eh_frame_hdr")!;
    const frames = elf.section(".eh_frame")!;
    return { start: header.offset, end: frames.offset + frames.sizeBytes };
  })();
  const rows = [...readelfRows(target("frames"))];
  const random = new Random(20261126);
  let found = 0;
  for (let count = 0; count < MUTATIONS; count++) {
    const bytes = original.slice();
    for (let change = 0; change < 4; change++) bytes[start + random.below(end - start)] = random.below(256);
    const elf = new ElfFile(byteSource(bytes), { name: "mutated" });
    const { bytes: source, search } = searching(elf);
    const row = rows[random.below(rows.length)]!;
    try {
      if (frameRowAt(source, search, row.pc) !== undefined) found++;
    } catch (error) {
      // What must be inside the file, and is not.
      if (!(error instanceof Error && error.message.includes("table of call frames"))) throw error;
    }
  }
  assertGreaterOrEqual(found, MUTATIONS / 2);
});
