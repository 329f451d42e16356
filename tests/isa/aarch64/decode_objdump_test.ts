/**
 * The decoder against binutils, over whole libraries and over random words: what an instruction does to the pc, and where
 * it leads. Random words that objdump does not know may be instructions here, as long as they do nothing to the pc.
 */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { toAddress } from "../../../lib/address.ts";
import { decode } from "../../../lib/isa/aarch64/decode.ts";
import type { Flow } from "../../../lib/isa/isa.ts";
import { Random } from "../x86_64/random.ts";
import { bytesOf, isInstalled } from "./cpu.ts";

const OBJDUMP = "aarch64-linux-gnu-objdump";
const FOLDER = "/usr/aarch64-linux-gnu/lib";

/** Files with the number of instructions that they have at the very least. */
const FILES: readonly (readonly [path: string, leastInstructions: number])[] = [
  [`${FOLDER}/libc.so.6`, 250_000],
  [`${FOLDER}/ld-linux-aarch64.so.1`, 25_000],
  [`${FOLDER}/libstdc++.so.6`, 200_000],
];

/** What each mnemonic does, if it does not go on behind itself. */
const FLOWS: readonly (readonly [mnemonic: RegExp, flow: Flow])[] = [
  [/^b$/, "jump"],
  [/^bl$/, "call"],
  [/^(bc?\.\w+|cbn?z|tbn?z)$/, "branch"],
  [/^(br|bra[ab]z?)$/, "indirect-jump"],
  [/^(blr|blra[ab]z?)$/, "indirect-call"],
  [/^(ret|reta[ab])$/, "return"],
  [/^svc$/, "system-call"],
  [/^(brk|hlt|udf|hvc|smc|dcps[123]|eret|ereta[ab]|drps|tcancel)$/, "other"],
];

/** Patterns that random bits are put into, so that all groups near the branches are met. */
const PATTERNS: readonly (readonly [bits: number, fixed: number])[] = [
  [0, 0],
  [0x1400_0000, 0x1c00_0000], // branches, exceptions, system
  [0xd400_0000, 0xff00_0000],
  [0xd500_0000, 0xff00_0000],
  [0xd503_201f, 0xffff_f01f], // hints
  [0xd61f_0000, 0xfe1f_0000], // branches to registers
  [0xd61f_0000, 0xfe1f_03ff],
  [0xd61f_081f, 0xfe1f_f81f],
  [0x1000_0000, 0x1f00_0000], // adr, adrp
  [0x1800_0000, 0x3b00_0000], // literals
  [0x0800_0000, 0x3f00_0000], // exclusives
  // Groups as wholes, which are met seldom without.
  [0x1000_0000, 0x1c00_0000], // data processing with an immediate
  [0x0800_0000, 0x0a00_0000], // loads and stores
  [0x0a00_0000, 0x0e00_0000], // data processing with registers
  [0x0e00_0000, 0x0e00_0000], // floating point and vectors
  [0x0400_0000, 0x1e00_0000], // SVE
  [0x8000_0000, 0x9e00_0000], // SME
  [0x0000_0000, 0x8000_0000], // reserved, and what has 32 bits
];

const hasObjdump = await isInstalled(OBJDUMP);

for (const [path, leastInstructions] of FILES) {
  const missing = !hasObjdump ? OBJDUMP : (await Deno.stat(path).catch(() => undefined))?.isFile ? undefined : path;
  Deno.test({
    name: `decode() finds what objdump does in ${path}${missing === undefined ? "" : ` (ignored: no ${missing} here)`}`,
    ignore: missing !== undefined,
    fn: async () => {
      const { instructions, mismatches } = await compare(["-d", "-w", path]);
      assertEquals(mismatches.slice(0, 20), []);
      assertGreaterOrEqual(instructions, leastInstructions);
    },
  });
}

Deno.test({
  name: "decode() agrees with objdump on random aarch64 words" + (hasObjdump ? "" : ` (ignored: no ${OBJDUMP} here)`),
  ignore: !hasObjdump,
  fn: async () => {
    const random = new Random(21);
    const words = Array.from({ length: 160_000 }, () => {
      const [bits, fixed] = random.pick(PATTERNS);
      return ((random.below(2 ** 32) & ~fixed) | bits) >>> 0;
    });
    const path = await Deno.makeTempFile();
    try {
      await Deno.writeFile(path, new Uint8Array(Uint32Array.from(words).buffer));
      const args = ["-b", "binary", "-m", "aarch64", "-D", "-w", "-z", "--adjust-vma=0x10000000", path];
      const { instructions, mismatches } = await compare(args);
      assertEquals(mismatches.slice(0, 20), []);
      assertGreaterOrEqual(instructions, 65_000);
    } finally {
      await Deno.remove(path);
    }
  },
});

/** Decodes the word of each line of objdump's output. */
async function compare(args: string[]): Promise<{ instructions: number; mismatches: string[] }> {
  const process = new Deno.Command(OBJDUMP, { args, stdout: "piped", env: { LC_ALL: "C" } }).spawn();
  const mismatches: string[] = [];
  let instructions = 0;
  for await (const line of lines(process.stdout)) {
    const [address, hex, mnemonic, operands = ""] = line.replace(/ +\/\/ .*/, "").split("\t");
    if (address === undefined || hex === undefined || mnemonic === undefined) continue;
    const code = bytesOf(parseInt(hex, 16));
    const found = decode(code, 0, toAddress(parseInt(address, 16)));
    if (mnemonic.startsWith(".inst")) {
      if (found !== undefined && found.flow !== "next" && found.refusal === undefined) mismatches.push(line);
      continue;
    }
    instructions++;
    const flow = FLOWS.find(([pattern]) => pattern.test(mnemonic))?.[1] ?? "next";
    const mistake = found?.flow !== flow ? found?.flow : mistakeOf(found, mnemonic, operands);
    if (mistake !== undefined || found === undefined) mismatches.push(`${line}: ${mistake}`);
  }
  assertEquals((await process.status).code, 0);
  return { instructions, mismatches };
}

/** What is wrong about an instruction whose flow is right. */
function mistakeOf(
  found: NonNullable<ReturnType<typeof decode>>,
  mnemonic: string,
  operands: string,
): string | undefined {
  const { kind, operand, refusal, target } = found;
  const isExclusive = /^(ld|st)a?l?x[pr][bh]?$/.test(mnemonic);
  if (isExclusive !== (refusal?.includes("exclusive") ?? false)) return refusal ?? "not exclusive";
  const [, text] = /(?:^|[\s,])(?:0x)?([0-9a-f]+)(?: <.*>)?$/.exec(operands) ?? [];
  const named = text === undefined ? NaN : Number(`0x${text}`);
  if (["jump", "call", "branch"].includes(found.flow)) return target === named ? undefined : `leads to ${target}`;
  const isLiteral = /^(ldr|ldrsw|prfm)$/.test(mnemonic) && !operands.includes("[");
  // The `adr` of SVE adds vectors.
  const isRelative = isLiteral || mnemonic === "adrp" || (mnemonic === "adr" && !operands.startsWith("z"));
  if (isRelative !== (kind.includes("literal") || kind.startsWith("adr"))) return kind;
  return isRelative && operand !== named && operand >= 0 ? `makes ${operand}` : undefined;
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}
