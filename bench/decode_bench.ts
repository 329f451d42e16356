/**
 * The decoder on the instructions of the C library, 1,000 an iteration: microseconds an iteration are nanoseconds
 * an instruction. Beside it the same walk with iced-x86, a decoder in WebAssembly.
 */

import { Decoder, Instruction } from "npm:iced-x86@1.21.0";
import { toAddress } from "../lib/address.ts";
import { decode } from "../lib/isa/x86_64/decode.ts";

const LIBRARY = "/usr/lib/x86_64-linux-gnu/libc.so.6";
/** Where a shared object is in a process: the addresses are too large for small integers. */
const BASE = 0x7f12_3456_0000;

const INSTRUCTIONS = 1_000;

const text = await Deno.readFile(LIBRARY).then(findText, () => undefined);

/** Finds the bytes of the executable segment (ELF-64, PT_LOAD with PF_X). */
function findText(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
  const view = new DataView(file.buffer);
  const headers = view.getUint32(32, true);
  for (let index = 0; index < view.getUint16(56, true); index++) {
    const at = headers + index * 56;
    if (view.getUint32(at, true) !== 1 || (view.getUint32(at + 4, true) & 1) === 0) continue;
    const offset = view.getUint32(at + 8, true);
    return file.subarray(offset, offset + view.getUint32(at + 32, true));
  }
}

if (text === undefined) {
  console.log(`No decode() benchmark: ${LIBRARY} cannot be read`);
} else {
  let at = 0;
  Deno.bench("decode() 1,000 instructions of libc", { group: "decode" }, () => {
    for (let count = 0; count < INSTRUCTIONS; count++) {
      const instruction = decode(text, at, toAddress(BASE + at));
      at += instruction === undefined ? 1 : instruction.length;
      if (at >= text.length) at = 0;
    }
  });

  const decoder = new Decoder(64, text, 0);
  const instruction = new Instruction();
  Deno.bench("iced-x86 1,000 instructions of libc", { group: "decode", baseline: true }, () => {
    for (let count = 0; count < INSTRUCTIONS; count++) {
      decoder.decodeOut(instruction);
      if (!decoder.canDecode) decoder.position = 0;
    }
  });
}
