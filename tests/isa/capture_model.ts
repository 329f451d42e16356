/**
 * What pads are to capture, said in another way.
 *
 * @module
 */

import { fromHalves } from "../../lib/address.ts";
import type { ArgumentCapture } from "../../lib/isa/captures.ts";

/**
 * Says what a capture is to be.
 *
 * @param capture The capture.
 * @param pointers Where each argument points.
 * @param start Where the only memory begins that can be read.
 * @param text What is there.
 * @returns What can be had.
 */
export function expectedOf(
  { kind, argument, through = [], offsetBytes = 0, sizeBytes }: ArgumentCapture,
  pointers: readonly number[],
  start: number,
  text: Uint8Array,
): Uint8Array {
  const view = new DataView(text.buffer);
  let address = pointers[argument]!;
  for (const pointer of through) {
    const place = address + pointer - start;
    if (!(place >= 0 && place + 8 <= text.length)) return new Uint8Array();
    address = fromHalves(view.getUint32(place, true), view.getUint32(place + 4, true));
  }
  const at = address + offsetBytes - start;
  if (!(at >= 0 && at < text.length)) return new Uint8Array();
  const bytes = text.subarray(at, at + sizeBytes);
  const end = bytes.indexOf(0);
  return kind === "string" && end >= 0 ? bytes.subarray(0, end + 1) : bytes;
}

/** A string that an argument points to. */
export function string(argument: number, sizeBytes: number): ArgumentCapture {
  return { kind: "string", argument, sizeBytes };
}

/** Bytes that an argument points to. */
export function bytes(argument: number, sizeBytes: number): ArgumentCapture {
  return { kind: "bytes", argument, sizeBytes };
}
