import { assertEquals } from "@std/assert";
import { exitCodeOf, formatFailure, PermissionError, UsageError } from "../../lib/consumer/failure.ts";
import { DTraceError, InvariantError, SystemError } from "../../lib/errors.ts";

/** The refusal of a request in the chain of causes. */
function grabError(errno: string): DTraceError {
  const cause = new SystemError(errno, "PTRACE_SEIZE", "process 1");
  return new DTraceError("D_PROC_GRAB", "Cannot grab process 1: it says no", { cause });
}

Deno.test("exitCodeOf() tells the kinds of failures apart", () => {
  const rows: [error: unknown, code: number][] = [
    [new TypeError("a mistake of ours"), 1],
    [new SystemError("ENOENT", "load", "libfasttrap.so"), 1],
    [new InvariantError("Invariant broken"), 1],
    ["a string", 1],
    [new UsageError("unknown option"), 2],
    [new SyntaxError("Cannot parse"), 2],
    [new DTraceError("D_PROC_NAME", "no such name"), 2],
    [new DTraceError("D_PDESC_ZERO", "nothing"), 3],
    [new DTraceError("D_PROC_FUNC", "nothing"), 3],
    [new PermissionError("Cannot start"), 4],
    [new SystemError("EACCES", "open", "a file"), 4],
    [grabError("EPERM"), 4],
    [grabError("ESRCH"), 5],
    [new DTraceError("D_PROC_ELF", "not an ELF file"), 5],
  ];
  for (const [error, code] of rows) assertEquals(exitCodeOf(error), code, String(error));
});

Deno.test("formatFailure() says the tag, and the hint on a line of its own", () => {
  assertEquals(
    formatFailure(new DTraceError("D_PROC_FUNC", "failed to lookup 'f'", { hint: "did you mean g?" })),
    "fasttrap: D_PROC_FUNC: failed to lookup 'f'\nhint: did you mean g?\n",
  );
  assertEquals(formatFailure(new UsageError("unknown option -y")), "fasttrap: unknown option -y\n");
  assertEquals(
    formatFailure(new SystemError("ENOENT", "load", "a library", { hint: "run: deno task build" })),
    "fasttrap: Cannot load a library: ENOENT\nhint: run: deno task build\n",
  );
  assertEquals(formatFailure(new InvariantError("x")), "fasttrap: internal error: x\n");
});

Deno.test("formatFailure() keeps a name with a line feed on one line", () => {
  assertEquals(formatFailure(new SyntaxError("Cannot parse a\nb")), "fasttrap: Cannot parse a\\nb\n");
});
