/** Counting by jumps in real programs: each function has the hits that traps count, and the programs do the same. */

import { assert, assertEquals } from "@std/assert";
import { SOAK } from "../support.ts";
import { runBoth, runTraced, testWith } from "./real_program.ts";

const PYTHON = "/usr/bin/python3";
const POSTGRES = "/usr/lib/postgresql/15/bin/postgres";

/** Entries and returns of all functions of a module. */
function everything(module: string): { readonly entry: string; readonly return: string } {
  return { entry: `pid$target:${module}::entry`, return: `pid$target:${module}::return` };
}

const SCRIPT = "import sys; print(sum(map(len, (str(i) for i in range(300)))), sorted(sys.argv))";

for (
  const [name, module, command] of [
    ["python3", "a.out", [PYTHON, "-S", "-E", "-c", SCRIPT]],
    ["the libc of sqlite3", "libc.so.6", ["sqlite3", ":memory:", SQL(500)]],
    ["postgres", "a.out", [POSTGRES, "--describe-config"]],
  ] as const
) {
  testWith([command[0]], `Session counts in ${name} by jumps what handlers see, function by function`, async () => {
    const options = { env: { PYTHONHASHSEED: "0" }, allowNone: true };
    const counted = await runBoth(command, everything(module), { ...options, count: true });
    const handled = await runTraced(command, everything(module), options);
    assertEquals(handled.outcome, counted.outcome);
    assertEquals(new Map([...counted.counts].sort()), new Map([...handled.counts].sort()));
    assert(counted.counts.size > 10);
    for (const kind of ["entry", "return"] as const) assertEquals(counted.hits[kind], handled.hits[kind]);
  });
}

for (
  const [name, module, command] of [
    ...["json", "re", "dict", "zlib", "hashlib", "sort", "string", "math", "heapq", "bisect", "struct", "textwrap"]
      .slice(0, SOAK > 1 ? undefined : 3)
      .map((test) => [`python3 testing ${test}`, "libc.so.6", [PYTHON, "-m", `test.test_${test}`]] as const),
    ["openssl", "libc.so.6", ["openssl", "dgst", "-sha256", "/bin/bash"]],
    ["sqlite3", "libc.so.6", ["sqlite3", ":memory:", SQL(20_000)]],
    ["sqlite3", "libsqlite3.so.0*", ["sqlite3", ":memory:", SQL(20_000)]],
  ] as const
) {
  testWith([command[0]!], `Session counts all functions of ${module} in ${name}, which does the same`, async () => {
    // What the tests of python3 print of the time that they took is not compared.
    const options = { allowNone: true, count: true, env: { PYTHONHASHSEED: "0" } };
    const { hits, outcome } = await (command.includes("-m" as never)
      ? runTraced(command, everything(module), options)
      : runBoth(command, everything(module), options));
    assertEquals(outcome.status, 0, outcome.stderr.slice(-2000));
    assert(hits.entry > 1000, String(hits.entry));
    // Functions that do not return, and tail calls into the middle of others, are few.
    assert(Math.abs(hits.return - hits.entry) < 0.2 * hits.entry, `${hits.entry} entries, ${hits.return} returns`);
  });
}

function SQL(rows: number): string {
  return `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) ` +
    "SELECT count(*), sum(length(printf('%d', i))), max(i % 97) FROM n;";
}
