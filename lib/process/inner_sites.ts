/**
 * The places inside of the jumps of pads at which instructions began. A thread that comes to one makes a trap there, and goes
 * on in the copy of the instruction.
 *
 * @module
 */

import { type Address, toAddress } from "../address.ts";
import type { JumpWindow } from "../isa/jumps.ts";
import type { KeptSite } from "./keeper.ts";

const NOTHING = new Uint8Array();

/** A pad, as far as it is concerned. */
interface JumpCopies {
  readonly address: Address;
  /** Where the copies of the instructions are, in bytes from its beginning; negative for those that it has none of. */
  readonly copies: ArrayLike<number>;
  readonly jumpBytes: number;
  readonly window: JumpWindow;
  /** The pad of the next site that shares the jump; undefined if there is none. */
  readonly next?: (JumpCopies & { readonly siteCopy: Address }) | undefined;
}

/**
 * Lists the places inside of the jump of a pad.
 *
 * @param pad The pad, the first of those that share the jump.
 * @returns The places, each with where a thread goes on.
 */
export function innerSitesOf(pad: JumpCopies): KeptSite[] {
  return [...innerCopies(pad, pad.jumpBytes)].map(([address, copy]) => innerSite(address, copy));
}

/**
 * Describes a place for the keeper.
 *
 * @param address The place.
 * @param target Where a thread goes on.
 * @returns What the keeper has to know; there is nothing to restore, which is done with the jump.
 */
export function innerSite(address: Address, target: Address): KeptSite {
  return { address, target, original: NOTHING };
}

/**
 * Lists the places inside of the jump of a pad, each with the copy of its instruction.
 *
 * @param pad The pad, the first of those that share the jump.
 * @param jumpBytes The size of the jump behind the beginning of its window, in bytes.
 */
export function* innerCopies(
  { address, copies, next, window }: JumpCopies,
  jumpBytes: number,
): Generator<[place: Address, copy: Address]> {
  const { address: site, boundaries } = window;
  for (let i = 0; i < boundaries.length; i++) {
    const copy = copies[i + 1]!;
    if (copy >= 0 && boundaries[i]! < jumpBytes) {
      yield [toAddress(site + boundaries[i]!), toAddress(address + copy)];
    }
  }
  if (next === undefined) return;
  yield [next.window.address, next.siteCopy];
  yield* innerCopies(next, jumpBytes - (next.window.address - site));
}
