/**
 * How many entries and returns of large programs and libraries can be counted by jumps, how many static probes can be recorded
 * by them, and why the rest cannot: a table for the README. Not a benchmark that `deno bench` finds; run it by
 *
 * ```sh
 * deno run -A bench/coverage.ts
 * ```
 *
 * A program that is not installed is left out. All functions of a module are enabled at once, entries and returns each
 * alone and then together, and so are all its static probes. Names as arguments choose what is looked at.
 */

import { Session } from "../mod.ts";

/** What is enabled in a subject: descriptions without the module, and whether hits are counted or recorded. */
interface Wish {
  readonly title: string;
  readonly providers: readonly string[];
  readonly names: readonly string[];
  readonly records: boolean;
}

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

/** It does not start without a database, which it need not. */
const POSTGRES = ["/usr/lib/postgresql/15/bin/postgres", "--single"];

const SUBJECTS: readonly Subject[] = [
  { name: "libc", module: "libc.so.6", command: PYTHON },
  { name: "libstdc++", module: "libstdc++.so.6*", command: NODE },
  { name: "libpython", module: "libpython3*", command: GDB },
  { name: "python3", module: "a.out", command: PYTHON },
  { name: "postgres", module: "a.out", command: POSTGRES },
  { name: "node", module: "a.out", command: NODE },
];

const KINDS = [["entry"], ["return"], ["entry", "return"]] as const;
const LIBRARIES = "/usr/lib/x86_64-linux-gnu";
const JVMS = "/usr/lib/jvm";

/** Modules with static probes, and the providers of these. */
const STATIC: readonly (Subject & { readonly providers: readonly string[] })[] = [
  { name: "python3 usdt", module: "a.out", command: PYTHON, providers: ["python"] },
  {
    ...{ name: "php usdt", module: "a.out", providers: ["php"] },
    command: ["/usr/bin/php8.2", "-n", "-r", 'echo "1\n"; sleep(1000);'],
  },
  { name: "postgres usdt", module: "a.out", command: POSTGRES, providers: ["postgresql"] },
  {
    name: "libstdc++ usdt",
    module: "libstdc++*",
    command: load(`${LIBRARIES}/libstdc++.so.6`),
    providers: ["libstdcxx"],
  },
  { name: "ruby usdt", module: "libruby*", command: load(`${LIBRARIES}/libruby-3.1.so.3.1`), providers: ["ruby"] },
  { name: "libvirt usdt", module: "libvirt.so*", command: load(`${LIBRARIES}/libvirt.so.0`), providers: ["libvirt"] },
  {
    ...{ name: "qemu driver usdt", module: "libvirt_driver*", providers: ["libvirt"] },
    command: load(`${LIBRARIES}/libvirt/connection-driver/libvirt_driver_qemu.so`),
  },
  { name: "sssd usdt", module: "libsss_util*", command: load(`${LIBRARIES}/sssd/libsss_util.so`), providers: ["sssd"] },
  ...["java-17-openjdk-amd64", "temurin-25-jdk-amd64"].map((name) => ({
    ...{ name: `${name} usdt`, module: "libjvm*", providers: ["hotspot", "hotspot_jni", "hs_private"] },
    command: load(`${JVMS}/${name}/lib/server/libjvm.so`),
  })),
];

/** A program that loads a library. */
function load(path: string): readonly string[] {
  return [PYTHON[0]!, "-c", `import ctypes, time; ctypes.CDLL("${path}"); print(1, flush=True); time.sleep(1000)`];
}

const isWanted = ({ name }: Subject) => Deno.args.length === 0 || Deno.args.includes(name);
for (const subject of SUBJECTS.filter(isWanted)) {
  for (const names of KINDS) {
    await measure(subject, { title: names.join(" and "), providers: ["pid"], names, records: false });
  }
}
const sums = { jumps: 0, sites: 0 };
for (const { providers, ...subject } of STATIC.filter(isWanted)) {
  const { jumps, sites } = await measure(subject, { title: "recorded", providers, names: [""], records: true });
  sums.jumps += jumps;
  sums.sites += sites;
}
if (sums.sites > 0) {
  console.log(`all static probes: ${sums.jumps} of ${sums.sites} sites, ${percent(sums.jumps, sums.sites)} %`);
}

/** Starts the program of a subject, enables in it, and ends it when it has been let go. */
async function measure(subject: Subject, wish: Wish): Promise<{ readonly jumps: number; readonly sites: number }> {
  const [program, ...args] = subject.command;
  let child: Deno.ChildProcess | undefined;
  let result;
  try {
    await using session = new Session({ signals: false });
    if (subject.command === POSTGRES) session.spawn(program!, { args });
    else {
      child = new Deno.Command(program!, { args, stdout: "piped" }).spawn();
      await child.stdout.getReader().read();
      session.attach(child.pid);
    }
    result = report(session, subject, wish);
  } catch (error) {
    console.log(`${subject.name}: ${error}`);
  }
  child?.kill("SIGKILL");
  await child?.status;
  return result ?? { jumps: 0, sites: 0 };
}

function report(
  session: Session,
  { name, module }: Subject,
  { title, providers, names, records }: Wish,
): { readonly jumps: number; readonly sites: number } {
  const begin = performance.now();
  const options = records ? { record: () => {} } : { count: true };
  for (const provider of providers) {
    for (const each of names) session.enable(`${provider}$target:${module}::${each}`, options);
  }
  const milliseconds = Math.round(performance.now() - begin);
  const { entries } = session.stats().tracepoints;
  const jumps = entries.filter(({ performed }) => performed === "jump").length;
  const share = percent(jumps, entries.length);
  console.log(`${name} ${title}: ${jumps} of ${entries.length} sites, ${share} %, ${milliseconds} ms`);
  const reasons = Map.groupBy(entries, ({ trapReason }) => trapReason);
  for (const [reason, sites] of [...reasons].sort(([, a], [, b]) => b.length - a.length)) {
    if (reason !== undefined) console.log(`  ${sites.length} ${reason}`);
  }
  return { jumps, sites: entries.length };
}

function percent(part: number, whole: number): string {
  return (100 * part / whole).toFixed(1);
}
