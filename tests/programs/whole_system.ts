/**
 * Whole programs with entry and return of every function of libc enabled at once: what they do, so that it can be compared with
 * the untraced run, and what the tracing was.
 *
 * A *subject* is a program, or a server with its clients, that checks itself as far as it can: a suite of tests, a data base that
 * looks over its tables. What it tells is brought into a form that is the same each time, without the times that it took.
 *
 * `bench/whole_system.ts` runs them at full length, `whole_system_test.ts` for some seconds.
 *
 * @module
 */

import { once } from "node:events";
import { spawn } from "node:child_process";
import { assertEquals } from "@std/assert";
import { type Enabled, type HitRecord, Session } from "../../mod.ts";
import { HitView } from "../../lib/fasttrap/hit.ts";
import { PostgresServer, PsqlSession } from "./postgres_server.ts";
import { until } from "../support.ts";
import { ENVIRONMENT, OutputFiles } from "./real_program.ts";

/** What is enabled. */
const NAMES = ["entry", "return"] as const;
const MODULE = "libc.so.6";
/** How many traps are told that were hit most. */
const HOTTEST = 10;

/** How a subject is traced: not, by pads that count, or by pads that write records, which a consumer counts. */
export type Way = "untraced" | "count" | "record";

/** What a run has told, and what the tracing of it was. */
export interface WholeRun {
  /** What must be the same each time. */
  readonly result: string;
  /** How long it ran, from when the probes were there, in milliseconds. */
  readonly milliseconds: number;
  /** How long one unit of its work took by its own measure, in milliseconds; the whole run if it has none. */
  readonly unitMs: number;
  /** Entries and returns. */
  readonly hits: readonly [entry: number, returned: number];
  /** Entries and returns for whose records there was no space. */
  readonly drops: readonly [entry: number, returned: number];
  /** How many sites are jumps. */
  readonly jumps: number;
  /** How many are traps, by the reason. */
  readonly traps: ReadonlyMap<string, number>;
  /** The traps that were hit most, if hits were recorded: the reason with the probe, and how often. */
  readonly hottest: readonly (readonly [probe: string, hits: number])[];
  /** Probes that could not be placed. */
  readonly unplaced: readonly string[];
}

/** A program that is run. */
export interface Subject {
  readonly name: string;
  /** The programs that must be installed. */
  readonly needs: readonly string[];
  /** Runs it. */
  run(way: Way): Promise<WholeRun>;
}

/** How what a command has written is understood. */
export interface CommandReader {
  /** Brings it into a form that is the same each time. */
  digest(stdout: string, stderr: string): string;
  /** Finds out how long one unit of its work took, in milliseconds. */
  unitMs?(stdout: string, stderr: string): number;
}

/** A command that runs from its start to its end. */
export function commandSubject(
  name: string,
  command: readonly string[],
  reader: CommandReader,
  { follow = false, limitMs = 600_000 } = {},
): Subject {
  const run = async (way: Way) => {
    using files = new OutputFiles();
    const env = { ...ENVIRONMENT, PYTHONHASHSEED: "0" };
    const options = { env, cwd: "/tmp", stdio: [files.input, files.output, files.error] };
    const told = way === "untraced"
      ? await runAlone(command, options)
      : await runTraced(command, options, way, follow, limitMs);
    const { stdout, stderr } = files.read();
    const unitMs = reader.unitMs?.(stdout, stderr) ?? told.milliseconds;
    return { ...told, unitMs, result: `${reader.digest(stdout, stderr)}\n${told.result}` };
  };
  return { name, needs: [command[0]!], run };
}

/** How a command is started. */
interface StartOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The descriptors that it gets. */
  readonly stdio: number[];
}

/** Runs a command, to whose result its end belongs, untraced. */
async function runAlone(command: readonly string[], options: StartOptions): Promise<Omit<WholeRun, "unitMs">> {
  const begin = performance.now();
  const child = spawn(command[0]!, command.slice(1), options);
  const [code, signal] = await once(child, "exit") as [number | null, string | null];
  const milliseconds = performance.now() - begin;
  return { result: endOf(code ?? undefined, signal ?? undefined), milliseconds, ...new Tracing().tell() };
}

/** Runs a command, to whose result its end belongs, with everything enabled. */
async function runTraced(
  command: readonly string[],
  { env, cwd, stdio: [stdin, stdout, stderr] }: StartOptions,
  way: Exclude<Way, "untraced">,
  follow: boolean,
  limitMs: number,
): Promise<Omit<WholeRun, "unitMs">> {
  await using session = new Session({ follow });
  const target = session.spawn(command[0]!, {
    args: command.slice(1),
    env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    ...{ cwd, stdin: stdin!, stdout: stdout!, stderr: stderr! },
  });
  const timer = setTimeout(() => Deno.kill(target.pid, "SIGKILL"), limitMs);
  try {
    const tracing = new Tracing();
    tracing.enable(session, way, "pid$target");
    const begin = performance.now();
    await session.run();
    const milliseconds = performance.now() - begin;
    return { result: endOf(target.end?.code, target.end?.signal), milliseconds, ...tracing.tell() };
  } finally {
    clearTimeout(timer);
    if (target.alive) Deno.kill(target.pid, "SIGKILL");
  }
}

function endOf(code: number | undefined, signal: string | number | undefined): string {
  return code === undefined ? `killed ${signal}` : `exited ${code}`;
}

/** A PostgreSQL server with all its processes, those included that come, under pgbench. */
export function postgresSubject(name: string, { scale, clients, transactions }: PgbenchSize): Subject {
  const run = async (way: Way): Promise<WholeRun> => {
    await using server = await PostgresServer.start();
    const initialised = await server.bench("postgres", ["-i", "-s", String(scale), "-q"]);
    assertEquals(initialised.code, 0, initialised.stderr);
    await using session = new Session({ signals: false, follow: true });
    const tracing = new Tracing();
    if (way !== "untraced") {
      // A process on its way out cannot be attached to.
      await until(() => childrenOf(server.pid).every(isLasting), "the end of the backends");
      for (const pid of [server.pid, ...childrenOf(server.pid)]) {
        session.attach(pid);
        tracing.enable(session, way, `pid${pid === server.pid ? "$target" : pid}`);
      }
    }
    const running = way === "untraced" ? undefined : session.run();
    const begin = performance.now();
    const args = ["-n", "-c", String(clients), "-j", "2", "-t", String(transactions), "--random-seed=7"];
    const { code, stdout } = await server.bench("postgres", args);
    const milliseconds = performance.now() - begin;
    const lines = stdout.split("\n").filter((line) => /^number of (transactions|failed)/.test(line));
    const sums = await checkTables(server);
    session.stop();
    await running;
    const unitMs = 1000 / Number(/^tps = ([\d.]+) \(without initial/m.exec(stdout)?.[1]);
    return { result: [`exited ${code}`, ...lines, ...sums].join("\n"), milliseconds, unitMs, ...tracing.tell() };
  };
  return { name, needs: ["/usr/lib/postgresql/15/bin/postgres", "pgbench", "psql"], run };
}

/** How much pgbench does. */
interface PgbenchSize {
  /** How large its tables are, in 100,000 accounts. */
  readonly scale: number;
  readonly clients: number;
  /** How many each client makes. */
  readonly transactions: number;
}

/** What is in the tables of pgbench, whose transactions add up to the same in any order. */
async function checkTables(server: PostgresServer): Promise<string[]> {
  await using psql = new PsqlSession(server);
  const sum = (columns: string, table: string) =>
    `select '${table}', count(*), md5(string_agg(row, ' ' order by row)) ` +
    `from (select concat_ws(':', ${columns}) row from pgbench_${table}) as rows`;
  return [
    ...await psql.query(sum("aid, abalance", "accounts")),
    ...await psql.query(sum("tid, tbalance", "tellers")),
    ...await psql.query(sum("bid, bbalance", "branches")),
    ...await psql.query(sum("tid, bid, aid, delta", "history")),
    ...await psql.query(
      "select (select sum(abalance) from pgbench_accounts) = (select sum(delta) from pgbench_history)",
    ),
  ];
}

function childrenOf(pid: number): number[] {
  return Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean).map(Number);
}

/** Whether a process of a server is none that serves a session, and has its name already. */
function isLasting(pid: number): boolean {
  try {
    const title = Deno.readTextFileSync(`/proc/${pid}/cmdline`);
    return title.startsWith("postgres: ") && !title.includes("[local]");
  } catch (error) {
    // It has ended since it was listed.
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** What is enabled in one run, and what has become of it. */
class Tracing {
  readonly #enabled: Enabled[][] = [[], []];
  readonly #hot = new Map<string, number>();
  /** The names of traps, by their probes and where in their pages they are, which is the same in all processes. */
  readonly #hotNames = new Map<string, string>();
  #jumps = 0;
  readonly #traps = new Map<string, number>();

  /** Enables everything in one process, and tells of the first how. */
  enable(session: Session, way: Exclude<Way, "untraced">, provider: string): void {
    const how = way === "count" ? { count: true } : { record: (hit: HitRecord) => this.#record(session, hit) };
    for (const [i, name] of NAMES.entries()) {
      this.#enabled[i]!.push(session.enable(`${provider}:${MODULE}::${name}`, how));
    }
    if (this.#jumps > 0) return;
    for (const { performed, trapReason } of session.stats().tracepoints.entries) {
      if (performed === "jump") this.#jumps++;
      else this.#traps.set(trapReason!, (this.#traps.get(trapReason!) ?? 0) + 1);
    }
  }

  tell(): Omit<WholeRun, "result" | "milliseconds" | "unitMs"> {
    const sum = (value: (enabled: Enabled) => number) =>
      this.#enabled.map((list) => list.reduce((total, each) => total + value(each), 0)) as [number, number];
    return {
      hits: sum(({ hitsTotal }) => hitsTotal),
      drops: sum(({ dropsTotal }) => dropsTotal),
      jumps: this.#jumps,
      traps: this.#traps,
      hottest: [...this.#hot].sort(([, a], [, b]) => b - a).slice(0, HOTTEST),
      unplaced: this.#enabled.flat().flatMap(({ unplaced }) =>
        unplaced.map(({ probe, reason }) => `${probe}: ${reason}`)
      ),
    };
  }

  /** Only hits that have stopped their thread are looked at. */
  #record(session: Session, hit: HitRecord): void {
    if (!(hit instanceof HitView)) return;
    const { probe, pc } = hit;
    const key = `${probe.function}:${probe.name}@${pc % 4096}`;
    let name = this.#hotNames.get(key);
    if (name === undefined) {
      const site = session.inspect(probe).sites.find(({ address }) => address === pc);
      name = `${probe.function}:${probe.name} +${site?.offset}, ${site?.trapReason}`;
      this.#hotNames.set(key, name);
    }
    this.#hot.set(name, (this.#hot.get(name) ?? 0) + 1);
  }
}
