/**
 * The command on real programs, with the permissions that its users give it.
 */

import { assertEquals } from "@std/assert";
import { run, RunningCommand, START } from "../cli/command.ts";
import { assertTextUntouched, tracerOf } from "../support.ts";
import { POSTGRES_BIN, PostgresServer, PsqlSession } from "./postgres_server.ts";
import { countWithGdb, ENVIRONMENT, runUntraced, testWith, Workshop } from "./real_program.ts";

testWith(["/usr/bin/ls", "gdb"], "fasttrap --count on ls says what gdb counts, after what ls prints", async () => {
  const command = ["/usr/bin/ls", "-l", "/usr/bin"];
  const { readdir } = countWithGdb(command, "libc.so", ["readdir"]);
  const { code, stdout } = await run(["--count", "-n", "pid$target:libc:readdir:entry", "--", ...command], {
    permissions: START,
    env: ENVIRONMENT,
  });
  const untraced = runUntraced(command).stdout;
  assertEquals([code, stdout.slice(0, untraced.length)], [0, untraced]);
  assertEquals(stdout.slice(untraced.length).trim().split(/ +/).slice(1), [String(readdir)]);
});

testWith(["gcc"], "fasttrap -c on gcc counts its children, which make the same object file", async () => {
  using workshop = new Workshop();
  const source = workshop.write("source.c", "int twice(int value) { return 2 * value; }\n");
  const object = `${workshop.path}/source.o`;
  const command = `gcc -O1 -c ${source} -o ${object}`;
  runUntraced(command.split(" "));
  const untraced = Deno.readFileSync(object);
  Deno.removeSync(object);
  const { code, stdout } = await run(["--count", "-n", "pid$target:libc:vfork:entry", "-c", command], {
    permissions: START,
  });
  assertEquals([code, Deno.readFileSync(object)], [0, untraced]);
  assertEquals(stdout.trim().split(/ +/).slice(1), ["2"]);
});

testWith(
  [`${POSTGRES_BIN}/postgres`, `${POSTGRES_BIN}/initdb`, "psql"],
  "fasttrap -j -p on a PostgreSQL backend writes an event for each query, with --allow-ffi alone",
  async () => {
    await using server = await PostgresServer.start();
    await using psql = new PsqlSession(server);
    const pid = await psql.backend();
    {
      await using command = new RunningCommand(["-j", "-n", "pid$target:postgres:pg_parse_query:entry", "-p", pid]);
      await command.shows("matched 1 probe");
      for (let i = 0; i < 10; i++) assertEquals(await psql.query(`select ${i} + 1`), [String(i + 1)]);
      command.signal("SIGINT");
      const { code, stdout } = await command.screen();
      const records = stdout.trim().split("\n").map((line) => JSON.parse(line));
      const end = records.pop();
      assertEquals([code, end.type, end.hits], [0, "end", 10]);
      const events = records.filter(({ type }) => type === "event");
      assertEquals(
        events.map((event) => [event.pid, event.probe]),
        Array(10).fill([pid, `pid${pid}:postgres:pg_parse_query:entry`]),
      );
    }
    assertTextUntouched(pid);
    assertEquals([tracerOf(pid), await psql.query("select 1")], [0, ["1"]]);
  },
);
