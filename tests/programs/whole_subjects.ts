/**
 * The programs of the whole-system check; see `whole_system.ts`.
 *
 * @module
 */

import { commandSubject, postgresSubject, type Subject } from "./whole_system.ts";

const PYTHON = "/usr/bin/python3";

/** Modules of Python's own tests, whose results do not depend on the machine: 20 that also fork, signal, map and start threads. */
const MODULES = [
  ...["json", "re", "zlib", "hashlib", "struct", "math", "mmap", "select", "thread", "os", "posix", "pickle"],
  ...["decimal", "pty", "popen", "ctypes", "shutil", "tempfile", "itertools", "signal"],
];
/** Those of which children are traced as well, which takes half a second for each. */
const FOLLOWED = ["json", "mmap", "popen", "pty", "wait3"];

/** How long the subjects are. */
export type Length = "short" | "full";

/** Makes the subjects. */
export function wholeSubjects(length: Length): readonly Subject[] {
  const isFull = length === "full";
  const python = (modules: readonly string[]) => [PYTHON, "-m", "test", "-v", ...modules.map((name) => `test_${name}`)];
  const speed = isFull ? ["-seconds", "1", "sha256", "rsa2048"] : ["-seconds", "1", "-bytes", "256", "sha256"];
  const subjects = [
    commandSubject("python3 -m test", python(isFull ? MODULES : ["struct", "thread", "mmap"]), { digest: digestTests }),
    commandSubject("openssl speed", ["openssl", "speed", ...speed], { digest: digestSpeed, unitMs: speedOf }),
    commandSubject(
      "sqlite3",
      ["sqlite3", "-batch", ":memory:", sqlScript(isFull ? 100_000 : 10_000)],
      { digest: (stdout, stderr) => stdout + stderr },
    ),
    postgresSubject(
      "postgres, pgbench",
      isFull ? { scale: 5, clients: 4, transactions: 1000 } : { scale: 1, clients: 2, transactions: 100 },
    ),
  ];
  const followed = commandSubject("python3 -m test, followed", python(FOLLOWED), { digest: digestTests }, {
    follow: true,
  });
  return isFull ? [...subjects, followed] : subjects;
}

/** What has become of each test of Python, and what they say in the end, without times. */
function digestTests(stdout: string, stderr: string): string {
  const wanted =
    /^(.* \.\.\. (ok|skipped .*|FAIL|ERROR|expected failure)$|Ran \d+ tests?|OK|All .* OK\.|\d+ tests? .*|Result: .*)/;
  const lines = `${stdout}\n${stderr}`.split("\n");
  return lines.flatMap((line) => wanted.exec(line)?.[1] ?? []).join("\n");
}

/** What `openssl speed` says, without how often and in what time. */
function digestSpeed(stdout: string, stderr: string): string {
  const isSaid = (line: string) => /^(Doing|version|type|sha256|rsa|\s+sign)/.test(line);
  const lines = `${stderr}\n${stdout}`.split("\n").filter(isSaid);
  return lines.map((line) =>
    line.replaceAll(/for 1s|\d+(\.\d+)?k?s?(?=\s|$)/g, "N").replaceAll(/: \d+/g, ": N").replaceAll(/ +/g, " ")
  ).join("\n");
}

/** What an operation takes by what `openssl speed` says, in ms of CPU time: the geometric mean of all that it has measured. */
function speedOf(_stdout: string, stderr: string): number {
  const logarithms = [...stderr.matchAll(/: (\d+) .* in ([\d.]+)s$/gm)].map(([, count, time]) =>
    Math.log(1000 * Number(time) / Number(count))
  );
  return Math.exp(logarithms.reduce((sum, each) => sum + each, 0) / logarithms.length);
}

/** Tables, indices, triggers, text and numbers, and SQLite's own checks of all that. */
function sqlScript(rows: number): string {
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})`;
  return [
    "CREATE TABLE item (id INTEGER PRIMARY KEY, word TEXT NOT NULL, value REAL CHECK (value >= 0), parent REFERENCES item)",
    "CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT)",
    "CREATE INDEX by_word ON item (word, value)",
    "CREATE TRIGGER gone AFTER DELETE ON item BEGIN INSERT INTO log (what) VALUES (old.word); END",
    `${numbers} INSERT INTO item SELECT i, printf('%08x-%s', i * 2654435761 % 4294967296, hex(i)), i * 1.5, max(i / 2, 1) FROM n`,
    "SELECT count(*), sum(length(word)), total(value), max(word), min(word) FROM item",
    "DELETE FROM item WHERE id % 7 = 0 AND id > 7",
    "UPDATE item SET word = upper(word) WHERE word LIKE '%9%'",
    "SELECT count(*), group_concat(what, '') = '' FROM log",
    "SELECT substr(word, 1, 1) AS first, count(*), round(avg(value), 3) FROM item GROUP BY first ORDER BY first",
    "SELECT count(*) FROM item a JOIN item b ON b.id = a.parent WHERE a.word < b.word",
    "PRAGMA integrity_check; PRAGMA foreign_key_check(log); PRAGMA quick_check",
  ].join(";\n");
}
