/**
 * The decoder against binutils over whole libraries: at each instruction boundary that objdump prints, both must find
 * an instruction of the same length. Lines that objdump calls `(bad)` and what {@linkcode KNOWN} explains are left out.
 */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { toAddress } from "../../../lib/address.ts";
import { decode } from "../../../lib/isa/x86_64/decode.ts";

const FOLDER = "/usr/lib/x86_64-linux-gnu";

/** Libraries with the number of instructions that they have at the very least. */
const LIBRARIES: readonly (readonly [path: string, leastInstructions: number])[] = [
  [`${FOLDER}/libc.so.6`, 200_000],
  [`${FOLDER}/libstdc++.so.6`, 100_000],
  [`${FOLDER}/libcrypto.so.3`, 400_000],
];

const PREFIXES = String.raw`((rex(\.[WRXB]+)?|data16|addr32|lock|repn?z|[c-gs]s|notrack|bnd|xacquire|xrelease) *)`;

/** Bytes and text of lines that are no instruction, or where objdump differs from processors (data within code). */
const KNOWN: readonly (readonly [line: RegExp, reason: string])[] = [
  [/\(bad\)/, "objdump knows no instruction"],
  [/\t\.byte/, "the section ends inside an instruction"],
  [new RegExp(`\t${PREFIXES}+$`), "a prefix alone"],
  [new RegExp(`\t${PREFIXES}*mov .*(,%cs|%\\?)`), "mov to cs, or with a segment register that does not exist"],
  [/^9b [^\t]*\t.*f/, "wait and the floating-point instruction behind it, taken as one"],
  [/\t(.* )?(callw|jmpw) /, "a near branch with an operand-size prefix, as on AMD"],
  [/\t(.* )?frstpm/, "of the 80287 only"],
  [new RegExp(`\t${PREFIXES}*rex(\\.[WRXB]+)? v`), "REX before VEX, which is undefined"],
];

const isMissing = async (path: string): Promise<boolean> => !(await Deno.stat(path).catch(() => undefined))?.isFile;
const hasObjdump = await new Deno.Command("objdump", { args: ["--version"] }).output().then(
  (o) => o.success,
  () => false,
);

for (const [path, leastInstructions] of LIBRARIES) {
  const missing = !hasObjdump ? "objdump" : await isMissing(path) ? path : undefined;
  Deno.test({
    name: `decode() finds the instruction boundaries of objdump in ${path}` +
      (missing === undefined ? "" : ` (ignored: no ${missing} here)`),
    ignore: missing !== undefined,
    fn: async () => {
      const { instructions, mismatches } = await compare(path);
      assertEquals(mismatches.slice(0, 20), []);
      assertGreaterOrEqual(instructions, leastInstructions);
    },
  });
}

/** Decodes the bytes of each line of `objdump -d`. */
async function compare(path: string): Promise<{ instructions: number; mismatches: string[] }> {
  const objdump = new Deno.Command("objdump", {
    args: ["-d", "-w", "--section=.text", path],
    stdout: "piped",
    env: { LC_ALL: "C" },
  }).spawn();
  const code = new Uint8Array(32);
  const mismatches: string[] = [];
  let instructions = 0;
  for await (const line of lines(objdump.stdout)) {
    const [address, hex, text] = line.split("\t");
    if (address === undefined || hex === undefined || text === undefined) continue;
    if (KNOWN.some(([pattern]) => pattern.test(`${hex}\t${text}`))) continue;
    const length = parseHex(hex, code);
    const instruction = decode(code, 0, toAddress(parseInt(address, 16)));
    instructions++;
    if (instruction?.length !== length) mismatches.push(`${line}: ${instruction?.length} bytes`);
  }
  assertEquals((await objdump.status).code, 0);
  return { instructions, mismatches };
}

/** Writes the bytes of a hex dump into `code` and returns their number; what is behind them stays as it was. */
function parseHex(hex: string, code: Uint8Array): number {
  let length = 0;
  for (let at = 0; at + 1 < hex.length && hex.charAt(at) !== " "; at += 3) {
    code[length++] = parseInt(hex.slice(at, at + 2), 16);
  }
  return length;
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}
