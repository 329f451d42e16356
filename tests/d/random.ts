/** Random numbers with a fixed seed, and 64-bit integers as halves. */

/** Makes a generator of unsigned 32-bit integers (xorshift32). */
export function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** A signed 64-bit integer of any length, so that small ones and the edges are frequent. */
export function randomBigInt(random: () => number): bigint {
  const value = (BigInt(random()) << 32n) | BigInt(random());
  const edge = random() % 8;
  const shifted = value >> BigInt(random() % 64);
  if (edge === 0) return BigInt.asIntN(64, 1n << BigInt(random() % 64));
  if (edge === 1) return BigInt.asIntN(64, (1n << BigInt(random() % 64)) - 1n);
  return BigInt.asIntN(64, random() % 2 === 0 ? shifted : -shifted);
}

/** The halves of a 64-bit integer, unsigned. */
export function halvesOf(value: bigint): { lo: number; hi: number } {
  return { lo: Number(BigInt.asUintN(32, value)), hi: Number(BigInt.asUintN(32, value >> 32n)) };
}
