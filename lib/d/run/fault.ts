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
  library: 0xff,
};
