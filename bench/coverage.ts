/**
 * How many entries and returns of large programs and libraries can be counted by jumps, and why the rest cannot: a table
 * for the README. Not a benchmark that `deno bench` finds; run it by
 *
 * ```sh
 * deno run -A bench/coverage.ts
 * ```
 *
 * A program that is not installed is left out. All functions of a module are enabled at once, entries and returns each
 * alone and then together.
 */

import { Session } from "../mod.ts";

/** A module, and a program that has it loaded when it has written a line. */
interface Subject {
  readonly name: string;
  readonly module: string;
  readonly command: readonly string[];
}

const NODE = ["/usr/bin/node", "-e", "console.log(1); setInterval(() => {}, 1000)"];
const PYTHON = ["/usr/bin/python3", "-c", "print(1, flush=True); import time; time.sleep(1000)"];

/** gdb is linked with the library of Python. */
const GDB = ["/usr/bin/gdb", "-nx", "-batch", "-ex", "python print(1, flush=True); import time; time.sleep(1000)"];

const SUBJECTS: readonly Subject[] = [
  { name: "libc", module: "libc.so.6", command: PYTHON },
  { name: "libstdc++", module: "libstdc++.so.6*", command: NODE },
  { name: "libpython", module: "libpython3*", command: GDB },
  { name: "python3", module: "a.out", command: PYTHON },
  { name: "postgres", module: "a.out", command: ["/usr/lib/postgresql/15/bin/postgres", "--single"] },
  { name: "node", module: "a.out", command: NODE },
];

const KINDS = [["entry"], ["return"], ["entry", "return"]] as const;

for (const subject of SUBJECTS) {
  if (Deno.args.length > 0 && !Deno.args.includes(subject.name)) continue;
  for (const kinds of KINDS) await measure(subject, kinds);
}

/** Starts the program of a subject, counts in it, and ends it when it has been let go. */
async function measure(subject: Subject, kinds: readonly string[]): Promise<void> {
  const [program, ...args] = subject.command;
  let child: Deno.ChildProcess | undefined;
  {
    await using session = new Session({ signals: false });
    if (subject.name === "postgres") session.spawn(program!, { args });
    else {
      child = new Deno.Command(program!, { args, stdout: "piped" }).spawn();
      await child.stdout.getReader().read();
      session.attach(child.pid);
    }
    report(session, subject, kinds);
  }
  child?.kill("SIGKILL");
  await child?.status;
}

function report(session: Session, { name, module }: Subject, kinds: readonly string[]): void {
  const begin = performance.now();
  for (const kind of kinds) session.enable(`pid$target:${module}::${kind}`, { count: true });
  const milliseconds = Math.round(performance.now() - begin);
  const { entries } = session.stats().tracepoints;
  const jumps = entries.filter(({ performed }) => performed === "jump").length;
  const percent = (100 * jumps / entries.length).toFixed(1);
  console.log(`${name} ${kinds.join(" and ")}: ${jumps} of ${entries.length} sites, ${percent} %, ${milliseconds} ms`);
  const reasons = Map.groupBy(entries, ({ trapReason }) => trapReason);
  for (const [reason, sites] of [...reasons].sort(([, a], [, b]) => b.length - a.length)) {
    if (reason !== undefined) console.log(`  ${sites.length} ${reason}`);
  }
}
