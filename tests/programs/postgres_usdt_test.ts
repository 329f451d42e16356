/**
 * The static probes of PostgreSQL while it serves: in all backends under pgbench, and in some by their own statements.
 */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { Session } from "../../mod.ts";
import { assertTextUntouched, rounds, tracerOf, within } from "../support.ts";
import { POSTGRES_BIN, PostgresServer, PsqlSession } from "./postgres_server.ts";
import { testWith } from "./real_program.ts";

const PROGRAMS = [`${POSTGRES_BIN}/postgres`, `${POSTGRES_BIN}/initdb`, `${POSTGRES_BIN}/pgbench`, "psql"];
const CLIENTS = 8;
const TRANSACTIONS = rounds(200, 2500);
/** What TPC-B executes in a transaction, its beginning and its end included. */
const STATEMENTS = 7;

testWith(PROGRAMS, "Session counts as many commits in all backends of pgbench as PostgreSQL does", async () => {
  await using server = await PostgresServer.start();
  // The session of the test is in another database, so that its own transactions are not in the count.
  await using psql = new PsqlSession(server);
  await psql.query("create database bench");
  const ended = async () => {
    // A backend tells its counts when it ends, which its client does not wait for.
    const open = "select count(*) from pg_stat_activity where datname = 'bench'";
    while ((await psql.query(open))[0] !== "0");
    const rows = await psql.query("select xact_commit, xact_rollback from pg_stat_database where datname = 'bench'");
    return rows[0]!.split("|").map(Number) as [commits: number, rollbacks: number];
  };
  const initialised = await server.bench("bench", ["-i", "-s", "1", "-q"]);
  assertEquals(initialised.code, 0, initialised.stderr);
  const before = await ended();
  const warnings: string[] = [];
  const hits = new Map<string, number>();
  const lastQueries = new Map<number, string | undefined>();
  {
    await using session = new Session({ signals: false, follow: true, onWarning: (warning) => warnings.push(warning) });
    session.attach(server.pid);
    const enabled = ["query-*", "transaction-*"].map((name) =>
      session.enable(`postgresql$target:::${name}`, {
        handler: (hit) => {
          const { probe: { name }, pid } = hit;
          hits.set(name, (hits.get(name) ?? 0) + 1);
          if (name === "query-start") lastQueries.set(pid, hit.readString(hit.arg(0)));
        },
      })
    );
    assertEquals(enabled.map(({ probes }) => new Set(probes.map(({ name }) => name)).size), [10, 3]);
    const running = session.run();
    const args = ["-n", "-c", String(CLIENTS), "-j", "2", "-t", String(TRANSACTIONS)];
    const { code, stdout, stderr } = await server.bench("bench", args);
    assertEquals([code, /number of failed transactions: (\d+)/.exec(stdout)?.[1]], [0, "0"], stderr);
    assertEquals(/actually processed: (\S+)/.exec(stdout)?.[1], Array(2).fill(CLIENTS * TRANSACTIONS).join("/"));
    session.stop();
    await running;
    assertEquals(enabled.flatMap(({ unplaced }) => unplaced), []);
  }
  const after = await ended();
  // Each backend begins with a transaction of its own.
  assertEquals(hits.get("transaction-commit"), after[0] - before[0]);
  assertEquals(hits.get("transaction-abort") ?? 0, after[1] - before[1]);
  const total = CLIENTS * TRANSACTIONS;
  assertGreaterOrEqual(hits.get("transaction-commit")!, total + CLIENTS);
  assertGreaterOrEqual(hits.get("query-start")!, STATEMENTS * total);
  for (const phase of ["query", "query-parse", "query-rewrite", "query-plan", "query-execute"]) {
    assertEquals([phase, hits.get(`${phase}-done`)], [phase, hits.get(`${phase}-start`)]);
  }
  assertEquals([[...lastQueries.values()].filter((text) => text === "END;").length, warnings], [CLIENTS, []]);
  assertTextUntouched(server.pid);
  assertEquals(tracerOf(server.pid), 0);
});

testWith(PROGRAMS, "Session traces the statements and sorts of two PostgreSQL backends, and of no other", async () => {
  await using server = await PostgresServer.start();
  await using first = new PsqlSession(server);
  await using second = new PsqlSession(server);
  await using other = new PsqlSession(server);
  const [a, b] = [await first.backend(), await second.backend()];
  await first.query("create table item (n int)");
  await first.query("insert into item select generate_series(1, 100)");
  const queries: [number, string | undefined][] = [];
  const hits: Record<string, number> = {};
  {
    await using session = new Session({ signals: false });
    session.attach(a);
    // What is enabled for no process in particular is enabled in those that come later as well.
    session.enable("postgresql*:::query-start", {
      handler: (hit) => void queries.push([hit.pid, hit.readString(hit.arg(0))]),
    });
    session.attach(b);
    const all = session.enable("postgresql*:::", {
      handler: ({ probe: { name } }) => hits[name] = (hits[name] ?? 0) + 1,
    });
    assertGreaterOrEqual(all.probes.length, 2 * 50);
    const running = session.run();
    assertEquals(await first.query("select count(*) from item"), ["100"]);
    assertEquals(await other.query("select count(*) from item"), ["100"]);
    assertEquals(await second.query("select n from item order by n desc limit 2"), ["100", "99"]);
    assertEquals(await first.query("begin; lock table item; rollback"), []);
    session.stop();
    await running;
  }
  assertEquals(queries, [
    [a, "select count(*) from item;"],
    [b, "select n from item order by n desc limit 2;"],
    ...["begin;", "lock table item;", "rollback;"].map((text): [number, string] => [a, text]),
  ]);
  assertEquals([hits["transaction-abort"], hits["transaction-commit"]], [1, 2]);
  assertEquals([hits["sort-start"], hits["sort-done"], hits["query-done"]], [1, 1, 5]);
  for (const pid of [a, b]) {
    assertTextUntouched(pid);
    assertEquals(tracerOf(pid), 0);
  }
  assertEquals(await first.query("select 1"), ["1"]);
});

testWith(PROGRAMS, "Session comes to busy PostgreSQL backends and goes again, and no transaction fails", async () => {
  await using server = await PostgresServer.start();
  await using psql = new PsqlSession(server);
  assertEquals((await server.bench("postgres", ["-i", "-s", "1", "-q"])).code, 0);
  const { promise: enough, resolve: end } = Promise.withResolvers<void>();
  const bench = server.bench("postgres", ["-n", "-c", String(CLIENTS), "-j", "2", "-T", "600"], enough);
  // The connection by which pgbench looks at its tables first may still be ending.
  const backends =
    "select pid from pg_stat_activity where application_name = 'pgbench' and query ~ '^(BEGIN|[A-Z]+ .*;$)'" +
    " and query !~ 'count|pg_'";
  let pids: number[] = [];
  while (pids.length < CLIENTS) pids = (await psql.query(backends)).map(Number);
  const warnings: string[] = [];
  const semaphores: (number | undefined)[] = [];
  for (let cycle = 0; cycle < rounds(6, 200); cycle++) {
    await using session = new Session({ signals: false, onWarning: (warning) => warnings.push(warning) });
    for (const pid of pids) session.attach(pid);
    for (const probe of session.list("postgresql*:::query-start")) {
      // What the session before has raised is lowered.
      semaphores.push(...session.inspect(probe).semaphores!.map(({ value }) => value));
    }
    const { promise: seen, resolve } = Promise.withResolvers<void>();
    let hits = 0;
    const enabled = session.enable("postgresql*:::", { handler: () => ++hits === 200 && resolve() });
    assertGreaterOrEqual(enabled.probes.length, CLIENTS * 50);
    const running = session.run();
    await within(seen, "hits");
    session.stop();
    await running;
  }
  for (const pid of pids) assertTextUntouched(pid);
  end();
  const { code, stdout, stderr } = await bench;
  assertEquals([code, /number of failed transactions: (\d+)/.exec(stdout)?.[1]], [0, "0"], stderr);
  assertEquals([semaphores.filter((value) => value !== 0), warnings], [[], []]);
});
