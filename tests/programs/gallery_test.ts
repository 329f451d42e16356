/**
 * The gallery of the README: one-line questions to real programs, asked by an ordinary user, with answers that somebody
 * else knows as well: the program itself, or how often it was told to do something.
 */

import { assert, assertEquals, assertGreaterOrEqual, assertMatch, assertStringIncludes } from "@std/assert";
import { ATTACH, RunningCommand, START } from "../cli/command.ts";
import { AS_NOBODY, Sandbox, YAMA_SCOPE } from "../cli/sandbox.ts";
import { rounds } from "../support.ts";
import { POSTGRES_BIN, PostgresServer, PsqlSession } from "./postgres_server.ts";
import { missing, testUnless, testWith, Workshop } from "./real_program.ts";

const POSTGRES = [`${POSTGRES_BIN}/postgres`, `${POSTGRES_BIN}/initdb`, `${POSTGRES_BIN}/pgbench`, "psql"];
/** The bytes of a page of PostgreSQL, which is what it reads at once. */
const PAGE = 8192;
/** More pages than five backends read when they begin. */
const CATALOG_PAGES = 40;

/** A key of an aggregation with its value, of `-j`. */
interface Row {
  readonly name: string;
  readonly key: readonly unknown[];
  readonly value?: number;
  readonly buckets?: readonly { readonly bound: number; readonly count: number }[];
}

/** Traces a program that is started, and returns its aggregations, with what it has printed. */
async function ask(program: string, command: readonly string[]): Promise<{ rows: Row[]; output: string }> {
  using sandbox = await Sandbox.make();
  const args = ["-j", "-n", program, "--", ...command];
  await using running = new RunningCommand(args, sandbox.start(START, AS_NOBODY));
  const { code, stdout, stderr } = await running.screen();
  assertEquals(code, 0, stderr);
  // What the program prints is kept apart from the lines of JSON.
  const output = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("dtrace: ")).join("\n");
  return { rows: rowsOf(stdout.trimEnd().split("\n")), output };
}

function rowsOf(lines: readonly string[]): Row[] {
  return lines.map((line) => JSON.parse(line)).filter(({ type }) => type === "aggregation");
}

testWith(["/usr/bin/python3"], "fasttrap -n shows which sizes python3 allocates, by stack", async () => {
  const times = rounds(50, 500);
  // A bytes object of 100,000 has a header of 32 bytes, and a NUL.
  const script = `print(sum(len(b"x" * 100000) for _ in range(${times})))`;
  const { rows, output } = await ask(
    "pid$target:libc:malloc:entry { @sizes[ustack(3)] = quantize(arg0); @calls = count(); } " +
      'pid$target:libc:malloc:entry /arg0 == 100033/ { @known["bytes"] = count(); }',
    ["/usr/bin/python3", "-I", "-c", script],
  );
  assertEquals(output, String(100_000 * times));
  const valueOf = (wanted: string) => rows.find(({ name }) => name === wanted)?.value;
  const sizes = rows.filter(({ name }) => name === "@sizes");
  const counted = sizes.reduce((sum, { buckets }) => sum + buckets!.reduce((all, { count }) => all + count, 0), 0);
  assertEquals([counted, valueOf("@known")], [valueOf("@calls"), times]);
  const large = sizes.filter(({ buckets }) => buckets!.some(({ bound, count }) => bound === 65536 && count >= times));
  assertEquals(large.length, 1);
  assertMatch(JSON.stringify(large[0]!.key), /libc\.so\.6`malloc/);
});

testWith(
  ["/usr/bin/python3"],
  "fasttrap -n with ustack() leads from python3's malloc to where the program has begun",
  async () => {
    const script = "def f(n): return bytearray(12344) if n == 0 else f(n - 1)\nprint(len(f(3)))";
    const { rows, output } = await ask(
      "pid$target:libc:malloc:entry /arg0 == 12345/ { @[ustack(60)] = count(); @depth = sum(ustackdepth); }",
      ["/usr/bin/python3", "-I", "-c", script],
    );
    assertEquals(output, "12344");
    const [frames] = rows.find(({ name }) => name === "@")!.key as [readonly string[]];
    assertEquals(rows.find(({ name }) => name === "@depth")?.value, frames.length);
    assertGreaterOrEqual(frames.length, 15);
    assertMatch(frames[0]!, /^libc\.so\.6`malloc$/);
    assertMatch(frames.at(-1)!, /`_start\+0x/);
    const text = frames.join("\n");
    for (const name of ["_PyEval_EvalFrameDefault", "Py_RunMain", "Py_BytesMain"]) {
      assertStringIncludes(text, `\`${name}+0x`);
    }
  },
);

testWith(["/usr/bin/node"], "fasttrap -n counts functions of node by their names", async () => {
  const times = rounds(300, 1000);
  const script = `let n = 0; for (let i = 0; i < ${times}; i++) n += JSON.stringify({ i }).length; console.log(n > 0);`;
  const { rows, output } = await ask(
    "pid$target:node:*JsonStringifier*:entry { @[probefunc] = count(); }",
    ["/usr/bin/node", "-e", script],
  );
  assertEquals(output, "true");
  const serialize = rows.filter(({ key }) => String(key[0]).includes("JsonStringifier12SerializeSmi"));
  assertEquals(serialize.map(({ value }) => value), [times]);
});

testWith(["g++"], "fasttrap -n counts the exceptions of a C++ program by the names of their types", async () => {
  using workshop = new Workshop();
  Deno.chmodSync(workshop.path, 0o755);
  const question =
    "pid$target:libstdc++:__cxa_throw:entry { @[copyinstr(*(uintptr_t *)copyin(arg1 + 8, 8))] = count(); }";
  const answer = async (source: string) => (await ask(question, [workshop.compile(["g++", "-O1"], source)])).rows;
  assertEquals((await answer("exceptions.cc")).map(({ key, value }) => [key[0], value]), [["St13runtime_error", 100]]);
  assertEquals((await answer("throws.cc")).map(({ key, value }) => [key[0], value]), [["St13runtime_error", 3], [
    "i",
    3,
  ]]);
});

testWith(POSTGRES, "fasttrap --follow -n measures the reads of PostgreSQL, as many as it counts itself", async () => {
  const transactions = rounds(300, 10_000);
  await using server = await PostgresServer.start(["shared_buffers=1MB"]);
  // The session of the test is in another database, so that its own reads are not in the count.
  await using psql = new PsqlSession(server);
  await psql.query("create database bench");
  const initialised = await server.bench("bench", ["-i", "-s", "1", "-q"]);
  assertEquals(initialised.code, 0, initialised.stderr);
  const blocksRead = async () => {
    // A backend tells its counts when it ends.
    const open = "select count(*) from pg_stat_activity where datname = 'bench'";
    while ((await psql.query(open))[0] !== "0");
    return Number(
      (await psql.query("select blks_read from pg_stat_database where datname = 'bench'"))[0],
    );
  };
  const before = await blocksRead();
  using sandbox = await Sandbox.make();
  const program = `
    pid$target:libc:pread64:entry { self->ts = timestamp; }
    pid$target:libc:pread64:return /self->ts && pid != ${await psql.backend()}/ {
      @ns = quantize(timestamp - self->ts);
      @bytes = sum(arg1);
      @short = sum(arg1 == ${PAGE} ? 0 : 1);
      self->ts = 0;
    }`;
  const start = sandbox.start(["--allow-ffi"], server.asOwner);
  await using command = new RunningCommand(["--follow", "-j", "-n", program, "-p", server.pid], start);
  await command.shows("matched");
  const { code, stdout, stderr } = await server.bench("bench", ["-n", "-S", "-c", "4", "-t", String(transactions)]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, `actually processed: ${4 * transactions}/${4 * transactions}\n`);
  const read = await blocksRead() - before;
  command.signal("SIGINT");
  const screen = await command.screen();
  assertEquals(screen.code, 0, screen.stderr);
  const rows = rowsOf(screen.stdout.trimEnd().split("\n"));
  const { buckets } = rows.find(({ name }) => name === "@ns")!;
  const reads = buckets!.reduce((sum, { count }) => sum + count, 0);
  assertEquals(rows.find(({ name }) => name === "@bytes")!.value, PAGE * reads);
  assertEquals(rows.find(({ name }) => name === "@short")!.value, 0);
  // When it connects, a backend reads some pages of the catalogs that all databases share, which are not in its count.
  assert(reads >= read && reads <= read + CATALOG_PAGES, `${reads} reads, ${read} blocks`);
});

testWith(POSTGRES, "fasttrap -n logs the queries of PostgreSQL by its static probes, with their times", async () => {
  await using server = await PostgresServer.start();
  await using psql = new PsqlSession(server);
  using sandbox = await Sandbox.make();
  const program = `
    postgresql$target:::query-start { self->ts = timestamp; }
    postgresql$target:::query-done /self->ts/ {
      printf("%d %d %s\\n", pid, timestamp > self->ts, copyinstr(arg0));
      self->ts = 0;
    }`;
  const backend = await psql.backend();
  const start = sandbox.start(["--allow-ffi"], server.asOwner);
  await using command = new RunningCommand(["-x", "switchrate=10ms", "-qn", program, "-p", backend], start);
  // -q says nothing when all is ready: ask until an answer is in the log.
  let asked = 0;
  while (command.stdout === "") await psql.query(`select ${++asked}`);
  for (let n = 1; n <= 5; n++) assertEquals(await psql.query(`select ${n} * 100`), [`${n * 100}`]);
  await command.shows("select 5 * 100");
  command.signal("SIGINT");
  const { code, stdout } = await command.screen();
  assertEquals(code, 0);
  const logged = stdout.split("\n").filter((line) => line.includes("* 100"));
  assertEquals(logged, [1, 2, 3, 4, 5].map((n) => `${backend} 1 select ${n} * 100;`));
  assertEquals(await psql.query("select 'untouched'"), ["untouched"]);
});

testUnless(
  missing("/usr/bin/python3") ?? (YAMA_SCOPE === 0 ? undefined : "Yama allows only descendants"),
  "fasttrap -n shows an ordinary user which sizes a running python3 allocates, by stack",
  async () => {
    const times = rounds(50, 500);
    const script =
      `print("ready", flush=True); input(); print(sum(len(b"x" * 100000) for _ in range(${times}))); exit(3)`;
    const [program, ...args] = [...AS_NOBODY, "/usr/bin/python3", "-I", "-c", script];
    await using python = new Deno.Command(program!, { args, stdin: "piped", stdout: "piped" }).spawn();
    const output = python.stdout.pipeThrough(new TextDecoderStream()).getReader();
    assertEquals((await output.read()).value, "ready\n");
    using sandbox = await Sandbox.make();
    // As the README has it: no other permission.
    const question = "pid$target:libc.so.6:malloc:entry { @[ustack(3)] = quantize(arg0); }";
    await using command = new RunningCommand(["-n", question, "-p", python.pid], sandbox.start(ATTACH, AS_NOBODY));
    await command.shows("matched 1 probe\n");
    const input = python.stdin.getWriter();
    await input.write(new TextEncoder().encode("\n"));
    assertEquals((await output.read()).value, `${100_000 * times}\n`);
    const { code, stdout, stderr } = await command.screen();
    assertEquals([code, (await python.status).code], [0, 3], stderr);
    await output.cancel();
    await input.close().catch(() => {});
    // The objects of 100,033 bytes come from one place.
    const tables = stdout.split(/\n\n(?=\n? {14}\S)/).filter((table) => table.includes("libc.so.6`malloc\n"));
    const rows = tables.flatMap((table) =>
      [...table.matchAll(/^ +65536 \|@+ +(\d+)/gm)].map(([, count]) => Number(count))
    );
    assert(rows.some((count) => count >= times), stdout);
  },
);
