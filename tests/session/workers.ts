/**
 * Targets whose function `work` is called under conditions that are hard on a tracer, with their arguments.
 *
 * @module
 */

/** The targets. A test enables `pid$target:a.out:work:entry` or `:return` in each. */
export const WORKERS: readonly (readonly [name: string, args: readonly (number | string)[]])[] = [
  ["stacks", [50]],
  ["steps", [5]],
  ["signals", [2000, 1000]],
  ["forks", [20]],
  ["fork_threads", [4, 10]],
  ["sharers", [4]],
  ["churn", [200]],
  ["keeps_trap", []],
  ["execs", [4, "main"]],
  ["execs", [4, "thread"]],
  ["calls", [1000]],
  ["calls_no_pie", [1000]],
  ["calls_static", [1000]],
];
