/**
 * The options of DTrace that say how a program runs, with DTrace's defaults.
 *
 * @module
 */

/** Options by their names in DTrace; sizes are bytes. */
export interface RunOptions {
  /** The size of a string, its NUL included. */
  readonly strsize: number;
  /** The size of the principal buffer. */
  readonly bufsize: number;
  /** What happens when it is full: it is emptied regularly, or tracing ends, or the oldest records are lost. */
  readonly bufpolicy: "switch" | "fill" | "ring";
  /** What variables of threads and elements of associative arrays may occupy. */
  readonly dynvarsize: number;
  /** The memory of subroutines, for one clause. */
  readonly scratchsize: number;
  /** What aggregations may occupy. */
  readonly aggsize: number;
  /** How many speculations there may be at once, and how large each. */
  readonly nspec: number;
  readonly specsize: number;
  /** How many frames `ustack()` and `jstack()` record. */
  readonly ustackframes: number;
  readonly jstackframes: number;
  /** How many frames any stack has at most. */
  readonly maxframes: number;
  /** How many bytes of what a pointer leads to `print()` shows. */
  readonly printsize: number;
  /** Whether the CPU goes into records, which costs a look at the thread. */
  readonly recordsCpu: boolean;
}

/** What holds unless the program or the user says otherwise. */
export const RUN_DEFAULTS: RunOptions = {
  strsize: 256,
  bufsize: 4 << 20,
  bufpolicy: "switch",
  dynvarsize: 1 << 20,
  scratchsize: 64 << 10,
  aggsize: 4 << 20,
  nspec: 1,
  specsize: 32 << 10,
  ustackframes: 20,
  jstackframes: 50,
  maxframes: 1024,
  printsize: 1024,
  recordsCpu: true,
};
