/**
 * Instructions beside what binutils make of them.
 *
 * @module
 */

import { bytesOf } from "./cpu.ts";

/** An instruction, and how binutils write it. */
export type Line = readonly [word: number, text: string];

/** The disassembler of binutils. */
export const OBJDUMP = "aarch64-linux-gnu-objdump";

/** Disassembles instructions. */
export async function disassemble(words: readonly number[]): Promise<string[]> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeFile(file, bytesOf(...words));
    const args = ["-D", "-b", "binary", "-m", "aarch64", "-M", "no-notes", file];
    const { stdout } = await new Deno.Command(OBJDUMP, { args }).output();
    const lines = new TextDecoder().decode(stdout).matchAll(/^ *[0-9a-f]+:\t[0-9a-f]{8} \t(.*)$/gm);
    return [...lines].map(([, text]) => text!.replace(/\s*\/\/.*/, "").replaceAll("\t", " "));
  } finally {
    await Deno.remove(file);
  }
}
