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

import { assertEquals } from "@std/assert";
import { type Enabled, type HitRecord, Session } from "../../mod.ts";
import { HitView } from "../../lib/fasttrap/hit.ts";
import { PostgresServer, PsqlSession } from "./postgres_server.ts";
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

/** A command that runs from its start to its end. */
export function commandSubject(
  name: string,
  command: readonly string[],
  digest: (stdout: string, stderr: string) => string,
  { follow = false, limitMs = 600_000 } = {},
): Subject {
  return { name, needs: [command[0]!], run: (way) => runCommand(command, digest, way, { follow, limitMs }) };
}

async function runCommand(
  command: readonly string[],
  digest: (stdout: string, stderr: string) => string,
  way: Way,
  { follow, limitMs }: { readonly follow: boolean; readonly limitMs: number },
): Promise<WholeRun> {
  using files = new OutputFiles();
  await using session = new Session({ follow });
  const target = session.spawn(command[0]!, {
    args: command.slice(1),
    env: Object.entries({ ...ENVIRONMENT, PYTHONHASHSEED: "0" }).map(([key, value]) => `${key}=${value}`),
    cwd: "/tmp",
    ...{ stdin: files.input, stdout: files.output, stderr: files.error },
  });
  const timer = setTimeout(() => Deno.kill(target.pid, "SIGKILL"), limitMs);
  try {
    // Who is untraced has a tracer too, who sees nothing but its end.
    const tracing = new Tracing(session, way);
    if (way !== "untraced") tracing.enable("pid$target");
    const begin = performance.now();
    await session.run();
    const milliseconds = performance.now() - begin;
    const { stdout, stderr } = files.read();
    const { code, signal } = target.end!;
    const end = code === undefined ? `killed ${signal}` : `exited ${code}`;
    return { result: `${digest(stdout, stderr)}\n${end}`, milliseconds, ...tracing.tell() };
  } finally {
    clearTimeout(timer);
    if (target.alive) Deno.kill(target.pid, "SIGKILL");
  }
}

/** A PostgreSQL server with all its processes, those included that come, under pgbench. */
export function postgresSubject(name: string, { scale, clients, transactions }: PgbenchSize): Subject {
  const run = async (way: Way): Promise<WholeRun> => {
    await using server = await PostgresServer.start();
    const initialised = await server.bench("postgres", ["-i", "-s", String(scale), "-q"]);
    assertEquals(initialised.code, 0, initialised.stderr);
    await using session = new Session({ signals: false, follow: true });
    const tracing = new Tracing(session, way);
    if (way !== "untraced") {
      for (const pid of [server.pid, ...childrenOf(server.pid)]) {
        session.attach(pid);
        tracing.enable(`pid${pid === server.pid ? "$target" : pid}`);
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
    return { result: [`exited ${code}`, ...lines, ...sums].join("\n"), milliseconds, ...tracing.tell() };
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

/** What is enabled in one run, and what has become of it. */
class Tracing {
  readonly #session: Session;
  readonly #way: Way;
  readonly #enabled: Enabled[][] = [[], []];
  readonly #hot = new Map<string, number>();
  /** The names of traps, by their probes and where in their pages they are, which is the same in all processes. */
  readonly #hotNames = new Map<string, string>();
  #jumps = 0;
  readonly #traps = new Map<string, number>();

  constructor(session: Session, way: Way) {
    this.#session = session;
    this.#way = way;
  }

  /** Enables everything in one process, and tells of the first how. */
  enable(provider: string): void {
    const how = this.#way === "count" ? { count: true } : { record: (hit: HitRecord) => this.#record(hit) };
    for (const [i, name] of NAMES.entries()) {
      this.#enabled[i]!.push(this.#session.enable(`${provider}:${MODULE}::${name}`, how));
    }
    if (this.#jumps > 0) return;
    for (const { performed, trapReason } of this.#session.stats().tracepoints.entries) {
      if (performed === "jump") this.#jumps++;
      else this.#traps.set(trapReason!, (this.#traps.get(trapReason!) ?? 0) + 1);
    }
  }

  tell(): Omit<WholeRun, "result" | "milliseconds"> {
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
  #record(hit: HitRecord): void {
    if (!(hit instanceof HitView)) return;
    const { probe, pc } = hit;
    const key = `${probe.function}:${probe.name}@${pc % 4096}`;
    let name = this.#hotNames.get(key);
    if (name === undefined) {
      const site = this.#session.inspect(probe).sites.find(({ address }) => address === pc);
      name = `${probe.function}:${probe.name} +${site?.offset}, ${site?.trapReason}`;
      this.#hotNames.set(key, name);
    }
    this.#hot.set(name, (this.#hot.get(name) ?? 0) + 1);
  }
}
