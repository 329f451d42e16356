/**
 * PostgreSQL: probes in a backend while psql sends it queries, and in the process that starts backends.
 */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { Session } from "../../mod.ts";
import { assertTextUntouched, changedText, tracerOf } from "../support.ts";
import { POSTGRES_BIN, PostgresServer, PsqlSession } from "./postgres_server.ts";
import { testWith } from "./real_program.ts";

const PROGRAMS = [`${POSTGRES_BIN}/postgres`, `${POSTGRES_BIN}/initdb`, "psql"];
const QUERIES = 25;
const ROWS = 400;

testWith(
  PROGRAMS,
  "Session counts in a PostgreSQL backend the queries, rows and calls that psql asks for",
  async () => {
    await using server = await PostgresServer.start();
    await using psql = new PsqlSession(server);
    const pid = await psql.backend();
    await psql.query("create function twice(n int) returns int language plpgsql as 'begin return 2 * n; end'");
    // The library of the language is loaded by the first call.
    assertEquals(await psql.query("select twice(21)"), ["42"]);
    const callsBefore = await functionCalls(psql);
    const names = ["pg_parse_query", "PortalRun", "int4pl", "int4_sum", "exec_simple_quer[y]"];
    {
      await using session = new Session({ signals: false });
      session.attach(pid);
      const enable = (rest: string) => session.enable(`pid${pid}:${rest}`, { handler: () => {}, allowNone: true });
      const entries = names.map((name) => enable(`postgres:${name}:entry`));
      const returns = names.map((name) => enable(`postgres:${name}:return`));
      const calls = [enable("plpgsql.so:plpgsql_call_handler:entry"), enable("plpgsql.so:plpgsql_call_handler:return")];
      const running = session.run();
      for (let i = 1; i < QUERIES - 1; i++) {
        assertEquals(await psql.query(`select ${i} * 2, 'text ${i}'`), [`${2 * i}|text ${i}`]);
      }
      const rows = `generate_series(1, ${ROWS}) row`;
      assertEquals(await psql.query(`select sum(row + 1) from ${rows}`), [String(ROWS * (ROWS + 3) / 2)]);
      assertEquals(await psql.query(`select count(distinct twice(row)) from ${rows}`), [String(ROWS)]);
      session.stop();
      await running;
      const counts = [QUERIES, QUERIES, ROWS, ROWS];
      // The last name is static: a stripped server does not know it. It is a pattern, so that this is no mistake.
      assertEquals(entries.slice(0, 4).map(({ hitsTotal }) => hitsTotal), counts);
      assertEquals(returns.slice(0, 4).map(({ hitsTotal }) => hitsTotal), counts);
      assertEquals(entries[4]!.hitsTotal, entries[4]!.probes.length * QUERIES);
      assertEquals(calls.map(({ hitsTotal }) => hitsTotal), [ROWS, ROWS]);
    }
    assertTextUntouched(pid);
    assertEquals(tracerOf(pid), 0);
    assertEquals(await functionCalls(psql), callsBefore + ROWS);
    assertEquals(await psql.backend(), pid);
  },
);

testWith(PROGRAMS, "Session traces every function of a PostgreSQL backend, which answers the same", async () => {
  await using server = await PostgresServer.start();
  await using psql = new PsqlSession(server);
  const pid = await psql.backend();
  const queries = [
    "select relname, relkind from pg_class order by relname limit 20",
    "select md5(string_agg(n::text, ',')) from generate_series(1, 50) n",
    "select 1 / 0",
    "select avg(n), stddev(n) from (values (1), (2), (4)) as list(n)",
  ];
  const untraced: string[][] = [];
  for (const query of queries) untraced.push(await psql.query(query));
  {
    await using session = new Session({ signals: false });
    session.attach(pid);
    const names = ["entry", "return"];
    const enabled = names.map((name) => session.enable(`pid${pid}:::${name}`, { handler: () => {} }));
    assertGreaterOrEqual(enabled[0]!.probes.length, 10_000);
    const running = session.run();
    for (const [i, query] of queries.entries()) assertEquals(await psql.query(query), untraced[i]);
    session.stop();
    await running;
    for (const { hitsTotal, unplaced } of enabled) {
      assertGreaterOrEqual(hitsTotal, 5000);
      assertEquals(unplaced.map(({ probe, reason }) => `${probe} ${reason}`), []);
    }
  }
  assertTextUntouched(pid);
  for (const [i, query] of queries.entries()) assertEquals(await psql.query(query), untraced[i]);
});

testWith(PROGRAMS, "Session counts the backends that a PostgreSQL server starts, and leaves them alone", async () => {
  await using server = await PostgresServer.start();
  {
    await using session = new Session({ signals: false });
    session.attach(server.pid);
    const enable = (rest: string) => session.enable(`pid${server.pid}:${rest}`, { handler: () => {} });
    const enabled = ["fork_process:entry", "fork_process:return", ":entry"].map((rest) => enable(`postgres:${rest}`));
    const running = session.run();
    for (let i = 0; i < 3; i++) {
      await using psql = new PsqlSession(server);
      const pid = await psql.backend();
      // The slots of the process that it is a copy of have been copied too; nothing leads to them.
      assertEquals([await psql.query("select 6 * 7"), tracerOf(pid), changedText(pid)], [["42"], 0, []]);
    }
    session.stop();
    await running;
    const [entry, returned, all] = enabled.map(({ hitsTotal }) => hitsTotal);
    // In the child it returns too, but the child is not traced.
    assertEquals([entry, returned], [3, 3]);
    assertGreaterOrEqual(all!, 20);
  }
  assertTextUntouched(server.pid);
});

/** How often the server says that the function of the test has been called. */
async function functionCalls(psql: PsqlSession): Promise<number> {
  // A backend reports its counts at the end of a transaction, if it has not done so for a while.
  await psql.query("select pg_stat_force_next_flush()");
  await psql.query("select pg_stat_clear_snapshot()");
  const [calls] = await psql.query("select calls from pg_stat_user_functions where funcname = 'twice'");
  return Number(calls ?? 0);
}
