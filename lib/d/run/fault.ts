/**
 * What a clause can fail of.
 *
 * The numbers are those that the ERROR probe gets as `arg4`, DTrace's `DTRACEFLT_*`.
 *
 * @module
 */

/** A fault by what it is. */
export type FaultKind =
  | "badAddress"
  | "badAlignment"
  | "illegalOperation"
  | "divideByZero"
  | "noScratch"
  | "kernelAccess"
  | "userAccess"
  | "tupleOverflow"
  | "badStack"
  | "badSize"
  | "badIndex"
  | "library";

/** The numbers of DTrace. */
export const FAULT_NUMBERS: Readonly<Record<FaultKind, number>> = {
  badAddress: 1,
  badAlignment: 2,
  illegalOperation: 3,
  divideByZero: 4,
  noScratch: 5,
  kernelAccess: 6,
  userAccess: 7,
  tupleOverflow: 8,
  badStack: 9,
  badSize: 10,
  badIndex: 11,
  library: 0xff,
};

/** What is thrown to end a clause. One object serves all: it is caught where clauses are run. */
export class Fault {
  /** What it is, by DTrace's number. */
  kind = 0;
  /** The address, the size or the index that was bad, or 0. */
  lo = 0;
  hi = 0;

  /**
   * Ends the clause that runs.
   *
   * @param kind What has gone wrong.
   * @param lo The low half of the address.
   * @param hi The high half of the address.
   * @returns Never.
   */
  raise(kind: FaultKind, lo = 0, hi = 0): never {
    return this.raiseNumber(FAULT_NUMBERS[kind], lo, hi);
  }

  /**
   * Ends the clause that runs.
   *
   * @param kind What has gone wrong, by DTrace's number.
   * @param lo The low half of the address.
   * @param hi The high half of the address.
   * @returns Never.
   */
  raiseNumber(kind: number, lo: number, hi: number): never {
    this.kind = kind;
    this.lo = lo >>> 0;
    this.hi = hi >>> 0;
    throw this;
  }
}

/**
 * Tells what a number of DTrace's stands for.
 *
 * @param number The number.
 * @returns The fault.
 */
export function faultOf(number: number): FaultKind {
  const found = Object.entries(FAULT_NUMBERS).find(([, value]) => value === number);
  return (found?.[0] ?? "library") as FaultKind;
}
