/**
 * Random numbers that are the same in every run.
 */

/** Makes a source of whole numbers below a bound, by a linear congruence whose high bits count. */
export function makeRandomBelow(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}
