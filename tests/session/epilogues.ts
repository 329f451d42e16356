/** The functions of epilogues.c, which are entered and left in many ways; `tails` and `branches` are left by way of others as well. */
export const EPILOGUES: readonly string[] = [
  "adds",
  "pops",
  "clears",
  "bare",
  "carries",
  "branches",
  "tails",
  "inside",
  "skips",
  "late",
  "jumps_in",
];
