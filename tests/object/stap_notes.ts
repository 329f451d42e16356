/**
 * SystemTap notes for tests: what `readelf -n` says of a file, and notes made by hand.
 *
 * @module
 */

import { run } from "./files.ts";

/** A note as `readelf` prints it. */
export interface ReadelfNote {
  provider: string;
  name: string;
  location: number;
  base: number;
  semaphore: number;
  operands: string;
}

/**
 * Asks `readelf` for the static probes of a file.
 *
 * @param path The file.
 * @returns Its notes in their order, as they are in the file.
 */
export function readelfNotes(path: string): ReadelfNote[] {
  const expression =
    /Provider: (.*)\n +Name: (.*)\n +Location: 0x(\w+), Base: 0x(\w+), Semaphore: 0x(\w+)\n +Arguments: ?(.*)\n/g;
  return [...run("readelf", "-nW", path).matchAll(expression)].map((
    [, provider = "", name = "", location = "", base = "", semaphore = "", operands = ""],
  ) => ({
    provider,
    name,
    location: parseInt(location, 16),
    base: parseInt(base, 16),
    semaphore: parseInt(semaphore, 16),
    operands,
  }));
}

/** A note to be written; of 64 bits and little-endian. */
export interface NoteSpec {
  provider?: string;
  name?: string;
  vaddr?: number;
  base?: number;
  semaphore?: number;
  operands?: string;
}

/**
 * Writes notes.
 *
 * @param notes What they say.
 * @returns The contents of a section `.note.stapsdt`.
 */
export function buildNotes(notes: readonly NoteSpec[]): Uint8Array {
  const parts = notes.map(({ provider = "app", name = "probe", operands = "", ...addresses }) => {
    const strings = new TextEncoder().encode(`${provider}\0${name}\0${operands}\0`);
    const note = new Uint8Array(20 + 24 + Math.ceil(strings.length / 4) * 4);
    const view = new DataView(note.buffer);
    view.setUint32(0, 8, true);
    view.setUint32(4, 24 + strings.length, true);
    view.setUint32(8, 3, true);
    note.set(new TextEncoder().encode("stapsdt\0"), 12);
    view.setBigUint64(20, BigInt(addresses.vaddr ?? 0), true);
    view.setBigUint64(28, BigInt(addresses.base ?? 0), true);
    view.setBigUint64(36, BigInt(addresses.semaphore ?? 0), true);
    note.set(strings, 44);
    return note;
  });
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
