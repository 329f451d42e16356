/**
 * Subroutines about strings.
 *
 * They work on the bytes of the program's memory: characters are bytes, as in DTrace.
 *
 * @module
 */

import type { ClauseMemory } from "./clause_memory.ts";

const SLASH = 0x2f;
const DOT = 0x2e;
const ROOT = Uint8Array.of(SLASH);
const HERE = Uint8Array.of(DOT);
const HALF = 2 ** 32;

/** A subroutine: it takes its arguments from the memory, and gives the offset of a string, or 0 and a number. */
export type MemorySubroutine = (memory: ClauseMemory, argumentCount: number) => number;

/** The subroutines by their names. */
export const STRING_SUBROUTINES: Readonly<Record<string, MemorySubroutine>> = {
  strlen: (memory) => memory.giveNumber(memory.text(0).length),
  strchr: (memory) => found(memory, memory.text(0).indexOf(memory.lo(1) & 0xff)),
  strrchr: (memory) => found(memory, memory.text(0).lastIndexOf(memory.lo(1) & 0xff)),
  strstr: (memory) => found(memory, indexOf(memory.text(0), memory.text(1), 0)),
  index: (memory, count) => memory.giveNumber(indexFrom(memory, count)),
  rindex: (memory, count) => memory.giveNumber(lastIndexFrom(memory, count)),
  strjoin: (memory) => memory.makeText([...memory.text(0), ...memory.text(1)]),
  substr: substring,
  tolower: (memory) => memory.makeText(memory.text(0).map((byte) => byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte)),
  toupper: (memory) =>
    memory.makeText(memory.text(0).map((byte) => byte >= 0x61 && byte <= 0x7a ? byte & ~0x20 : byte)),
  basename: (memory) => memory.makeText(baseName(memory.text(0))),
  dirname: (memory) => memory.makeText(folderName(memory.text(0))),
  cleanpath: (memory) => memory.makeText(cleanPath(memory.text(0))),
  strtoll: (memory, count) => parseNumber(memory, count > 1 ? memory.number(1) : 10),
};

/** What begins at an index of the first argument; NULL if that is negative. */
function found(memory: ClauseMemory, index: number): number {
  return index < 0 ? memory.null : memory.makeText(memory.text(0).slice(index));
}

function indexOf(text: Uint8Array, part: Uint8Array, from: number): number {
  for (let at = from; at <= text.length - part.length; at++) if (startsAt(text, part, at)) return at;
  return -1;
}

function startsAt(text: Uint8Array, part: Uint8Array, at: number): boolean {
  return part.every((byte, index) => text[at + index] === byte);
}

/** As Perl's `index`: a place before the beginning is the beginning. */
function indexFrom(memory: ClauseMemory, argumentCount: number): number {
  const text = memory.text(0);
  const part = memory.text(1);
  const from = argumentCount > 2 ? Math.max(0, memory.number(2)) : 0;
  return part.length === 0 ? Math.min(from, text.length) : indexOf(text, part, from);
}

/** As Perl's `rindex`: the last place that is not behind the given one. */
function lastIndexFrom(memory: ClauseMemory, argumentCount: number): number {
  const text = memory.text(0);
  const part = memory.text(1);
  const from = argumentCount > 2 ? memory.number(2) : text.length;
  if (part.length === 0) return Math.max(0, Math.min(from, text.length));
  for (let at = Math.min(from, text.length - part.length); at >= 0; at--) if (startsAt(text, part, at)) return at;
  return -1;
}

/** As Perl's `substr`: from an index, which counts from the end if it is negative, and a length, which may as well. */
function substring(memory: ClauseMemory, argumentCount: number): number {
  const text = memory.text(0);
  let begin = memory.number(1);
  let length = argumentCount > 2 ? memory.number(2) : text.length;
  if (begin < 0) {
    begin += text.length;
    if (begin < 0 && begin + length > 0) {
      length += begin;
      begin = 0;
    }
  }
  if (begin < 0 || begin >= text.length) return memory.makeText([]);
  const end = length < 0 ? text.length + length : begin + length;
  return memory.makeText(text.slice(begin, Math.max(begin, Math.min(end, text.length))));
}

/** What is behind the last slash, slashes at the end apart. */
function baseName(path: Uint8Array): Uint8Array {
  if (path.length === 0) return HERE;
  const name = withoutSlashes(path);
  return name.length === 0 ? ROOT : name.slice(name.lastIndexOf(SLASH) + 1);
}

function folderName(path: Uint8Array): Uint8Array {
  const name = withoutSlashes(path);
  if (name.length === 0) return path.length === 0 ? HERE : ROOT;
  const slash = name.lastIndexOf(SLASH);
  if (slash < 0) return HERE;
  const folder = withoutSlashes(name.subarray(0, slash));
  return folder.length === 0 ? ROOT : folder.slice();
}

function withoutSlashes(path: Uint8Array): Uint8Array {
  let end = path.length;
  while (end > 0 && path[end - 1] === SLASH) end--;
  return path.subarray(0, end);
}

/** Takes double slashes, `/./` and `x/../` out; links are not looked at. */
function cleanPath(path: Uint8Array): number[] {
  const text = String.fromCharCode(...path);
  const clean: string[] = [];
  for (const part of text.split("/")) {
    const last = clean.at(-1);
    if (part === "" || part === ".") continue;
    if (part !== ".." || (!text.startsWith("/") && (last === undefined || last === ".."))) clean.push(part);
    else clean.pop();
  }
  const root = text.startsWith("/") ? "/" : "";
  const tail = text.endsWith("/") && clean.length > 0 ? "/" : "";
  return Array.from(root + clean.join("/") + tail, (character) => character.charCodeAt(0));
}

/** As C's `strtoll`, but that what does not fit wraps; digits are added up in halves. */
function parseNumber(memory: ClauseMemory, base: number): number {
  const text = String.fromCharCode(...memory.text(0));
  if (base < 2 || base > 36) memory.fault.raise("illegalOperation");
  const prefix = base === 16 ? "(?:0[xX])?" : "";
  const [, sign, digits] = new RegExp(`^\\s*([-+]?)${prefix}([0-9a-zA-Z]*)`).exec(text)!;
  let [lo, hi] = [0, 0];
  for (const character of digits!) {
    const digit = parseInt(character, 36);
    if (digit >= base) break;
    const low = lo * base + digit;
    lo = low % HALF;
    hi = (hi * base + Math.floor(low / HALF)) % HALF;
  }
  if (sign !== "-") return memory.give(lo | 0, hi | 0);
  return memory.give(-lo | 0, (~hi + (lo === 0 ? 1 : 0)) | 0);
}
