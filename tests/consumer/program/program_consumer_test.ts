import { assertEquals } from "@std/assert";
import { Screen, screenOf } from "./screens.ts";

const QUIET = { set: ["quiet"] } as const;

Deno.test("ProgramConsumer.consume() performs actions on aggregations in their order", () => {
  const source = `
    BEGIN { @[1] = sum(10); @[2] = sum(30); @[3] = sum(20); }
    END {
      normalize(@, 10); printa("%d:%@d ", @); denormalize(@); trunc(@, 2); printa("%d:%@d ", @);
      trunc(@, -1); printa("%d:%@d ", @); clear(@); printa("%d:%@d ", @); trunc(@); printa("%d:%@d ", @);
    }
  `;
  assertEquals(screenOf(source, QUIET).out, "1:1 3:2 2:3 3:20 2:30 3:20 3:0 \n");
});

Deno.test("ProgramConsumer.consume() keeps the normalization until it is taken back", () => {
  const source = 'BEGIN { @ = sum(100); normalize(@, 10); } END { printa("%@d ", @); @ = sum(50); printa("%@d", @); }';
  assertEquals(screenOf(source, QUIET).out, "15 15\n");
});

Deno.test("ProgramConsumer.exitStatus is what exit() was called with last, in END as well", () => {
  const screen = screenOf("BEGIN { exit(3); } END { exit(4); }", QUIET);
  assertEquals(screen.consumer.exitStatus, 4);
  assertEquals(screenOf("BEGIN {}", QUIET).consumer.exitStatus, undefined);
});

Deno.test("ProgramConsumer.consume() asks the host for commands and files, after what was printed before", () => {
  const source =
    'BEGIN { printf("a"); system("echo %s %d", "x", 5); freopen("/tmp/%d", 7); ftruncate(); setopt("quiet"); setopt("switchrate", "10hz"); }';
  const screen = screenOf(source, { set: ["quiet", "destructive"] });
  assertEquals(screen.requests, ["system echo x 5", "freopen /tmp/7", "ftruncate"]);
  assertEquals([screen.consumer.options.quiet, screen.consumer.options.switchrate], [true, 1e8]);
});

Deno.test("ProgramConsumer.consume() reports errors with the enabling and the statement", () => {
  const { err } = screenOf("BEGIN { trace(1); *(int *)0x10; } BEGIN { 1 / arg0; }", QUIET);
  assertEquals(
    err,
    "dtrace: error on enabled probe ID 2 (ID 1: dtrace:::BEGIN): invalid address (0x10) in action #2\n" +
      "dtrace: error on enabled probe ID 3 (ID 1: dtrace:::BEGIN): divide-by-zero in action #1\n",
  );
});

Deno.test("ProgramConsumer.consume() prints what ERROR prints", () => {
  const { out, err } = screenOf('ERROR { printf("%d %d %d", arg1, arg2, arg4); } BEGIN { *(int *)0x10; }', QUIET);
  assertEquals(out, "3 1 1\n");
  assertEquals(
    err,
    "dtrace: error on enabled probe ID 3 (ID 2: dtrace:::BEGIN): invalid address (0x10) in action #1\n",
  );
});

Deno.test("ProgramConsumer.consume() reports drops by their kind", () => {
  const { err } = screenOf("BEGIN { self->x = 1; self->y[1] = 2; @[1] = count(); @[2] = count(); @[3] = count(); }", {
    set: ["quiet", "dynvarsize=20", "aggsize=40"],
  });
  assertEquals(err, "dtrace: 1 aggregation drop on CPU 0\ndtrace: 1 dynamic variable drop\n");
});

Deno.test("ProgramConsumer.consume() reports what each CPU has dropped, and leaves the rest to reportStatus()", () => {
  const screen = new Screen("BEGIN { self->x = 1; }", { set: ["quiet", "dynvarsize=1"] });
  const { running } = screen.simulation;
  running.lose(5, 1);
  running.lose(2, 0);
  running.lose(1, 1);
  screen.fire("BEGIN");
  assertEquals(screen.err, "dtrace: 2 drops on CPU 0\ndtrace: 6 drops on CPU 1\n");
  screen.fire("BEGIN");
  screen.err = "";
  screen.consumer.reportStatus();
  assertEquals(screen.err, "dtrace: 2 dynamic variable drops\n");
  screen.consumer.reportStatus();
  running.lose(1, 0);
  screen.consumer.finish();
  assertEquals(screen.err, "dtrace: 2 dynamic variable drops\ndtrace: 1 drop on CPU 0\n");
});

Deno.test("ProgramConsumer.consume() does each record once", () => {
  const screen = screenOf("a:b:c:tick { trace(arg0); }", {
    ...QUIET,
    events: (one) => one.fire("tick", 1).fire("tick", 2),
  });
  assertEquals(screen.out, "12\n");
});

Deno.test("ProgramConsumer.consume() takes -1 for a CPU that is not known", () => {
  const screen = new Screen("a:b:f:entry { trace(cpu); }", { json: true });
  screen.simulation.hit.cpu = -1;
  screen.fire("entry", 1);
  assertEquals(/"cpu":(-?\d+)/.exec(screen.out)?.[1], "-1");
});
