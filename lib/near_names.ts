/**
 * Near matches for misspelt names.
 *
 * @module
 */

/** Longer names are not compared letter by letter: what somebody types is short. */
const MAX_COMPARED_LENGTH = 128;

/**
 * Counts the insertions, deletions, replacements and swaps of neighbouring letters that lead from one name to another
 * (the restricted Damerau-Levenshtein distance). It costs O(length × limit).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(editDistance("mian", "main", 2), 1);
 * assertEquals(editDistance("read", "write", 2), 3);
 * ```
 *
 * @param a A name.
 * @param b Another name.
 * @param limit The largest number of interest, an integer from 0 on.
 * @returns The number; `limit + 1` if it is larger than `limit`.
 */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  // Rows i - 2, i - 1 and i of the table, of which only the band of width 2 * limit + 1 can hold numbers to the limit.
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = new Array<number>(b.length + 1).fill(limit + 1);
    row[0] = i;
    const end = Math.min(b.length, i + limit);
    let least = i;
    for (let j = Math.max(1, i - limit); j <= end; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        (last[j - 1] as number) + (same ? 0 : 1),
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
      );
      if (!same && i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] as number) + 1);
      }
      row[j] = Math.min(cost, limit + 1);
      least = Math.min(least, cost);
    }
    if (least > limit) return limit + 1;
    [beforeLast, last] = [last, row];
  }
  return Math.min(last[b.length] as number, limit + 1);
}

/**
 * Finds the names that somebody may have meant: first those within an edit distance of 2 (1 for names of up to three
 * letters, 3 from ten letters on), the nearest first; then those that contain the name, the shortest first.
 *
 * It costs some 100 ns for each candidate, because nearly all are ruled out by their length.
 *
 * @example A function that does not exist
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(nearNames("mian", ["malloc", "main", "domain"]), ["main"]);
 * assertEquals(nearNames("alloc", ["malloc", "pvalloc", "free"]), ["malloc", "pvalloc"]);
 * ```
 *
 * @param name The misspelt name.
 * @param candidates The names there are. The same name may occur several times.
 * @param limit How many to find.
 * @returns At most `limit` different names, best first; none equals `name`.
 */
export function nearNames(name: string, candidates: Iterable<string>, limit = 3): string[] {
  if (name === "" || name.length > MAX_COMPARED_LENGTH) return [];
  const distanceMax = name.length <= 3 ? 1 : name.length < 10 ? 2 : 3;
  const lowerCase = name.toLowerCase();
  const best: { candidate: string; score: number }[] = [];
  for (const candidate of candidates) {
    if (candidate === name || candidate === "") continue;
    const distance = candidate.length <= name.length + distanceMax
      ? editDistance(lowerCase, candidate.toLowerCase(), distanceMax)
      : Infinity;
    const contains = name.length > 2 && candidate.includes(name);
    const score = distance <= distanceMax ? distance : contains ? distanceMax + candidate.length : Infinity;
    if (score === Infinity || best.some((it) => it.candidate === candidate)) continue;
    best.push({ candidate, score });
    best.sort((a, b) => a.score - b.score || (a.candidate < b.candidate ? -1 : 1)).splice(limit);
  }
  return best.map((it) => it.candidate);
}
