/**
 * Every instruction of a thousand functions of libc at once, under programs that use them: what they compute, print and
 * end with is as untraced. Each probe fires once, so that programs that run for seconds can be taken; programs of a
 * hundred milliseconds, and longer ones in the long form, are stopped at every instruction.
 */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { rounds, SOAK } from "../support.ts";
import { runTraced, runUntraced, testWith, Workshop } from "./real_program.ts";

const PYTHON = "/usr/bin/python3.11";
const TEST_SUITE = "/usr/lib/python3.11/test/test_textwrap.py";
/** 1,092 functions of Debian's libc, malloc, free, getenv and most string functions among them. */
const FUNCTIONS = "[a-m]*";
const SQL = `
  CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c REAL);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ROWS)
  INSERT INTO t SELECT i, printf('%08x %s', i * 2654435761, hex(i)), i / 7.0 FROM n;
  CREATE INDEX u ON t (b);
  SELECT count(*), sum(length(b)), round(sum(c), 6), max(b), group_concat(DISTINCT a % 9) FROM t WHERE b GLOB '*7*';
  SELECT upper(b), date(a * 86400, 'unixepoch') FROM t ORDER BY b DESC LIMIT 20;
`;

/** Runs a program both ways with probes on all instructions of the functions, and compares what `normal` leaves. */
async function assertSame(
  provider: "oneshot" | "pid",
  command: readonly string[],
  { hitsLeast, normal = (text) => text }: { hitsLeast: number; normal?: (text: string) => string },
): Promise<void> {
  const untraced = runUntraced(command);
  const { outcome, hits, probes, unplaced, warnings } = await runTraced(command, {
    all: `${provider}$target:libc.so.6:${FUNCTIONS}:`,
  });
  const { stdout, stderr } = untraced;
  assertEquals(
    { ...outcome, stdout: normal(outcome.stdout), stderr: normal(outcome.stderr) },
    { ...untraced, stdout: normal(stdout), stderr: normal(stderr) },
    warnings.join("\n"),
  );
  assertGreaterOrEqual(probes.all, 50_000);
  assertGreaterOrEqual(hits.all, hitsLeast);
  // A trap in a transaction would abort it.
  assertEquals(unplaced.filter(({ reason }) => !reason.startsWith("it is xbegin")), []);
}

/** Takes times out of what Python's test runner prints. */
function withoutTimes(text: string): string {
  return text.replaceAll(/\b[\d.]+ (sec|min|ms)\b|\d+:\d\d:\d\d( load avg: [\d.]+)?|Ran (\d+) tests in [\d.]+s/g, "$3");
}

testWith(
  [PYTHON, TEST_SUITE],
  "Session traces 1,000 functions of libc at every offset under Python's own tests",
  async () => {
    const tests = ["test_textwrap", "test_struct", "test_bisect", "test_json"];
    await assertSame("oneshot", [PYTHON, "-m", "test", ...tests], { hitsLeast: 2_000, normal: withoutTimes });
  },
);

testWith(["openssl"], "Session traces 1,000 functions of libc at every offset under openssl", async () => {
  using workshop = new Workshop();
  const input = workshop.write("input", "All work and no play makes Jack a dull boy.\n".repeat(50_000));
  await assertSame("oneshot", ["openssl", "dgst", "-sha256", "-sha512", input], { hitsLeast: 1_000 });
  await assertSame("oneshot", ["openssl", "enc", "-aes-256-cbc", "-k", "k", "-nosalt", "-a", "-in", input], {
    hitsLeast: 1_000,
    normal: (text) => text.replace(/.*deprecated.*\n|.*-pbkdf2.*\n/g, ""),
  });
  const speed = ["openssl", "speed", "-seconds", "1", "-bytes", "1024", "-mr", "sha256"];
  await assertSame("oneshot", speed, { hitsLeast: 1_000, normal: (text) => text.replaceAll(/\d+/g, "N") });
});

testWith(["sqlite3"], "Session traces 1,000 functions of libc at every offset under sqlite3", async () => {
  await assertSame("oneshot", ["sqlite3", ":memory:", SQL.replace("ROWS", "20000")], { hitsLeast: 1_000 });
});

testWith(["sqlite3", "openssl"], "Session stops at every instruction of 1,000 functions of libc", async () => {
  const rows = rounds(20, 2000);
  await assertSame("pid", ["sqlite3", ":memory:", SQL.replace("ROWS", String(rows))], {
    hitsLeast: 10_000 + rows * 50,
  });
  await assertSame("pid", ["openssl", "dgst", "-sha256", "/etc/passwd"], { hitsLeast: 10_000 });
});

if (SOAK > 1) {
  testWith(
    [PYTHON, TEST_SUITE],
    "Session stops at every instruction of 1,000 functions of libc under Python's own tests",
    async () => {
      const tests = [PYTHON, "-I", "-m", "unittest", "test.test_bisect"];
      await assertSame("pid", tests, { hitsLeast: 1_000_000, normal: withoutTimes });
    },
  );
}
