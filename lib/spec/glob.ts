/**
 * The globs of probe descriptions.
 *
 * | written | matches |
 * | --- | --- |
 * | `*` | any text, also none |
 * | `?` | any one character |
 * | `[a-z_]` | one character of a set; a `]` that stands first is a member |
 * | `[!a-z]` | one character that is not of the set |
 * | `\*` | the character after the backslash, also inside a set |
 * | nothing at all | any name, as everywhere in a probe description |
 *
 * That is `gmatch(3GEN)`, which libdtrace uses; a glob must match the whole name.
 *
 * A glob is cut at its stars into segments. The first must stand at the start of the name and the last at its end; each
 * segment in between is looked for from where the one before it ended, and its leftmost place is always as good as any
 * other, so nothing is ever tried twice. The time is at most proportional to the length of the name times that of the
 * longest segment, whatever the glob is, and a segment without `?` or set costs one `indexOf`.
 *
 * A character is a UTF-16 code unit; symbol names are practically always ASCII.
 *
 * @module
 */

/** A compiled glob: tells whether a name matches. */
export type GlobMatcher = (name: string) => boolean;

/**
 * Compiles a glob.
 *
 * @example A function that is called for every symbol of a module
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const matches = compileGlob("mem[!s]*");
 * assertEquals(["memcpy", "memset", "mem"].filter(matches), ["memcpy"]);
 * ```
 *
 * @param glob The glob; the empty one matches every name.
 * @returns The matcher.
 * @throws {SyntaxError} If a set is not closed or a backslash escapes nothing.
 */
export function compileGlob(glob: string): GlobMatcher {
  if (glob === "") return () => true;
  const segments = parseSegments(glob);
  const first = segments[0]!;
  const last = segments[segments.length - 1]!;
  if (segments.length === 1) return compileExact(first);
  const middle = segments.slice(1, -1).filter((segment) => segment.length > 0);
  if (middle.length === 0 && last.length === 0) return compilePrefix(first);
  return (name) => {
    const end = name.length - last.length;
    if (end < first.length || !matchesAt(first, name, 0) || !matchesAt(last, name, end)) return false;
    let from = first.length;
    for (const segment of middle) {
      const at = indexOf(segment, name, from, end);
      if (at < 0) return false;
      from = at + segment.length;
    }
    return true;
  };
}

/**
 * Tells whether a field of a probe description is a glob rather than a name.
 *
 * @param field The field.
 * @returns Whether it is empty or holds a character that is special in a glob.
 */
export function isGlob(field: string): boolean {
  return field === "" || /[*?[\\]/.test(field);
}

/** A set of characters as bounds of ranges: `[low, high, low, high...]`. */
interface CharacterSet {
  readonly negated: boolean;
  readonly bounds: readonly number[];
}

/** What one character of a name is compared with: a code unit, a set, or nothing (`?`). */
type Element = number | CharacterSet | undefined;

/** A part of a glob between two stars. */
interface Segment {
  readonly length: number;
  /** The text, if it has neither `?` nor sets. */
  readonly literal: string | undefined;
  readonly elements: readonly Element[];
}

function compileExact(segment: Segment): GlobMatcher {
  const { literal, length } = segment;
  return literal === undefined
    ? (name) => name.length === length && matchesAt(segment, name, 0)
    : (name) => name === literal;
}

function compilePrefix(segment: Segment): GlobMatcher {
  if (segment.length === 0) return () => true;
  const { literal, length } = segment;
  return literal === undefined
    ? (name) => name.length >= length && matchesAt(segment, name, 0)
    : (name) => name.startsWith(literal);
}

/** Cuts a glob at its stars: always one segment more than stars. */
function parseSegments(glob: string): Segment[] {
  const segments: Segment[] = [];
  let elements: Element[] = [];
  let at = 0;
  while (at < glob.length) {
    const character = glob[at];
    if (character === "*") {
      segments.push(makeSegment(elements));
      elements = [];
      at++;
    } else if (character === "?") {
      elements.push(undefined);
      at++;
    } else if (character === "[") {
      const { set, next } = parseSet(glob, at + 1);
      elements.push(set);
      at = next;
    } else {
      const { unit, next } = parseCharacter(glob, at);
      elements.push(unit);
      at = next;
    }
  }
  segments.push(makeSegment(elements));
  return segments;
}

function makeSegment(elements: Element[]): Segment {
  const literal = elements.every((element) => typeof element === "number")
    ? elements.map((unit) => String.fromCharCode(unit)).join("")
    : undefined;
  return { length: elements.length, literal, elements };
}

/** Reads a set from behind its bracket. */
function parseSet(glob: string, start: number): { set: CharacterSet; next: number } {
  const negated = glob[start] === "!";
  const first = negated ? start + 1 : start;
  const bounds: number[] = [];
  let at = first;
  while (at === first || glob[at] !== "]") {
    if (at >= glob.length) throw new SyntaxError(`Cannot compile glob "${glob}": a set is not closed by "]"`);
    const low = parseCharacter(glob, at);
    at = low.next;
    // A dash is a range only between two members; in front of the closing bracket it is itself.
    if (glob[at] === "-" && at + 1 < glob.length && glob[at + 1] !== "]") {
      const high = parseCharacter(glob, at + 1);
      at = high.next;
      bounds.push(low.unit, high.unit);
    } else {
      bounds.push(low.unit, low.unit);
    }
  }
  return { set: { negated, bounds }, next: at + 1 };
}

/** Reads one character, which a backslash may stand before. */
function parseCharacter(glob: string, at: number): { unit: number; next: number } {
  if (glob[at] !== "\\") return { unit: glob.charCodeAt(at), next: at + 1 };
  if (at + 1 >= glob.length) throw new SyntaxError(`Cannot compile glob "${glob}": its last backslash escapes nothing`);
  return { unit: glob.charCodeAt(at + 1), next: at + 2 };
}

/** Tells whether a segment stands at a place of a name that is long enough for it. */
function matchesAt(segment: Segment, name: string, at: number): boolean {
  if (segment.literal !== undefined) return name.startsWith(segment.literal, at);
  for (let i = 0; i < segment.length; i++) {
    if (!matchesElement(segment.elements[i], name.charCodeAt(at + i))) return false;
  }
  return true;
}

/** Finds the leftmost place of a segment between two offsets of a name; -1 if there is none. */
function indexOf(segment: Segment, name: string, from: number, end: number): number {
  const limit = end - segment.length;
  if (segment.literal !== undefined) {
    const at = name.indexOf(segment.literal, from);
    return at <= limit ? at : -1;
  }
  for (let at = from; at <= limit; at++) {
    if (matchesAt(segment, name, at)) return at;
  }
  return -1;
}

function matchesElement(element: Element, unit: number): boolean {
  if (element === undefined) return true;
  if (typeof element === "number") return element === unit;
  const { bounds, negated } = element;
  for (let i = 0; i < bounds.length; i += 2) {
    if (unit >= bounds[i]! && unit <= bounds[i + 1]!) return !negated;
  }
  return negated;
}
