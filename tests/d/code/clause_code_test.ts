import { assertEquals } from "@std/assert";
import { plain, Simulation } from "../simulated.ts";

Deno.test("RunningProgram.fire() records nothing if the predicate is zero", () => {
  const simulation = new Simulation("BEGIN /arg0 > 1 && arg0 < 5/ { trace(arg0); }");
  for (let i = 0; i < 8; i++) simulation.fire("BEGIN", i);
  assertEquals(simulation.values(), [2n, 3n, 4n]);
});

Deno.test("RunningProgram.fire() records that a probe fired for a clause without statements, and nothing where nothing is recorded", () => {
  const simulation = new Simulation('BEGIN {} BEGIN { x = 1; } BEGIN { @ = count(); } BEGIN { printf("x"); }');
  simulation.fire("BEGIN");
  assertEquals(simulation.take().map(({ epid, actions }) => [epid, actions.map(({ kind }) => kind)]), [[2, []], [5, [
    "printf",
  ]]]);
});

Deno.test("RunningProgram.fire() records data of all forms", () => {
  const simulation = new Simulation(`
    BEGIN {
      trace((char)arg0); trace(execname); ustack(2); usym(arg1); trace(umod(arg1)); tracemem(copyin(arg1, 4), 4);
      printf("%d %s %k", arg0, "text", ustack());
    }
  `);
  simulation.hit.stack = [0x1000, 0x2000, 0x7fff_ffff_f000];
  simulation.hit.memory.set(0x5000, Uint8Array.of(1, 2, 3, 4));
  assertEquals(simulation.fire("BEGIN", -2n, 0x5000).values(), [
    -2n,
    "a.out",
    [0x1000, 0x2000],
    "usym 100 20480",
    "umod 100 20480",
    [1, 2, 3, 4],
    -2n,
    "text",
    [0x1000, 0x2000, 0x7fff_ffff_f000],
  ]);
});

Deno.test("RunningProgram.fire() performs the branch that the condition chooses", () => {
  const simulation = new Simulation(`
    BEGIN {
      if (arg0 > 10) { trace("big"); this->x = 1; } else if (arg0 > 5) trace("middle"); else { trace("small"); }
      trace(this->x);
    }
  `);
  assertEquals(simulation.fire("BEGIN", 11).fire("BEGIN", 6).fire("BEGIN", 1).values(), [
    "big",
    1n,
    "middle",
    0n,
    "small",
    0n,
  ]);
});

Deno.test("RunningProgram.fire() adds to aggregations by keys of all forms", () => {
  const simulation = new Simulation(
    "BEGIN { @a[execname, arg0, ustack(1), usym(arg1)] = sum(arg0); @q = quantize(arg0, 3); @l = lquantize(arg0, 0, 10, 2); }",
  );
  simulation.hit.stack = [0x1000];
  simulation.fire("BEGIN", 5, 1).fire("BEGIN", 5, 1).fire("BEGIN", -1n, 1);
  const [sums, powers, steps] = simulation.running.aggregations;
  assertEquals([...sums!.keys.entries()].map((entry) => sums!.value(entry)[0]), [10, -1]);
  assertEquals([powers!.value(0)[2 * 66], powers!.value(0)[2 * 62]], [6, 3]);
  assertEquals([...steps!.value(0)].filter((_, index) => index % 2 === 0), [1, 0, 0, 2, 0, 0, 0]);
});

Deno.test("RunningProgram.fire() records the actions that the consumer performs, in their order", () => {
  const simulation = new Simulation(
    'BEGIN { @a = count(); normalize(@a, arg0); trunc(@a, -3); clear(@a); printa(@a); printa("%@d", @a); exit(arg0); }',
  );
  simulation.fire("BEGIN", 5);
  const [record] = simulation.take();
  assertEquals(record!.actions.map(({ kind, data }) => [kind, ...data.map(plain)]), [
    ["normalize", 5n],
    ["trunc", -3n],
    ["clear"],
    ["printa"],
    ["printa"],
    ["exit", 5n],
  ]);
});

Deno.test("RunningProgram.fire() fires nothing after exit() but what comes last", () => {
  const simulation = new Simulation("BEGIN { trace(1); exit(0); trace(2); } BEGIN { trace(3); } END { trace(4); }");
  simulation.fire("BEGIN").fire("BEGIN").fire("END");
  assertEquals(simulation.values(), [1n, 0n, 2n, 4n]);
  assertEquals(simulation.running.isExiting, true);
});

Deno.test("RunningProgram.fire() acts on the thread at once", () => {
  const simulation = new Simulation("BEGIN { stop(); raise(arg0); chill(500); }");
  simulation.fire("BEGIN", 10);
  assertEquals(simulation.hit.acts, ["stop 0", "raise 10", "chill 500"]);
});

Deno.test("RunningProgram.fire() gives records the time and the thread of the hit", () => {
  const simulation = new Simulation("BEGIN { trace(timestamp); }");
  simulation.hit.numbers.timestamp = 2n ** 40n + 7n;
  simulation.hit.cpu = 3;
  simulation.fire("BEGIN");
  const { view } = simulation.running;
  simulation.running.drain((at) => {
    const head = [
      view.getUint32(at + 8, true),
      view.getUint32(at + 12, true),
      view.getUint32(at + 16, true),
      view.getUint32(at + 20, true),
      view.getUint32(at + 24, true),
    ];
    assertEquals(head, [7, 256, 100, 101, 3]);
  });
});

Deno.test("RunningProgram.takeBufferDrops() counts records that do not fit, by the CPUs of their hits", () => {
  const simulation = new Simulation("BEGIN { trace(arg0); }", { bufsize: 100 });
  for (let i = 0; i < 5; i++) simulation.fire("BEGIN", i);
  assertEquals(simulation.values(), [0n, 1n]);
  assertEquals([...simulation.running.takeBufferDrops().principal], [[0, 3]]);
  assertEquals(simulation.fire("BEGIN", 9).values(), [9n]);
  assertEquals([...simulation.running.takeBufferDrops().principal], []);
});

Deno.test("RunningProgram.isExiting is true when a buffer of the policy fill is full", () => {
  const simulation = new Simulation("BEGIN { trace(arg0); } END { trace(7); }", { bufsize: 100, bufpolicy: "fill" });
  simulation.fire("BEGIN", 1).fire("BEGIN", 2);
  assertEquals(simulation.running.isExiting, false);
  simulation.fire("BEGIN", 3).fire("BEGIN", 4);
  assertEquals(simulation.running.isExiting, true);
  assertEquals(simulation.values(), [1n, 2n]);
});

Deno.test("RunningProgram.drain() of a ring gives the newest records, the oldest of them first", () => {
  for (const bufsize of [80, 128, 200, 264]) {
    const simulation = new Simulation("BEGIN { trace(arg0); } END { trace(arg0); trace(execname); }", {
      bufsize,
      bufpolicy: "ring",
      strsize: 24,
    });
    for (let count = 1; count < 40; count++) {
      for (let i = 0; i < count; i++) simulation.fire(i % 3 === 0 ? "END" : "BEGIN", i);
      const numbers = simulation.values().filter((value) => typeof value === "bigint");
      assertEquals(numbers, Array.from({ length: numbers.length }, (_, i) => BigInt(count - numbers.length + i)));
      assertEquals(numbers.length >= 1, true);
    }
    assertEquals(simulation.running.takeBufferDrops().principal.size, 0);
  }
});

Deno.test("RunningProgram.fire() cuts what it records and what are keys to their types", () => {
  const simulation = new Simulation(
    "int x; BEGIN { x = arg0; trace(x + 1); a[x + 1] = 7; trace(a[-2147483647 - 1]); @[x + 1] = count(); }",
  );
  assertEquals(simulation.fire("BEGIN", 0x7fffffff).values(), [-(2n ** 31n), 7n]);
  assertEquals([...simulation.running.aggregations[0]!.keys.key(0)], [-(2 ** 31), -1]);
});

Deno.test("RunningProgram.fire() pads keys that are bytes", () => {
  const simulation = new Simulation(`
    struct odd { char c[5]; };
    BEGIN { @[*(struct odd *)copyin(arg0, 5), arg1] = count(); a["12345678901234567890"] = 1; }
  `);
  simulation.hit.memory.set(0x1000, Uint8Array.of(1, 2, 3, 4, 5));
  simulation.fire("BEGIN", 0x1000, 9).fire("BEGIN", 0x1000, 9);
  const [table] = simulation.running.aggregations;
  assertEquals([table!.keys.size, ...table!.keys.key(0)], [1, 0x04030201, 5, 9, 0]);
});

Deno.test("RunningProgram.fire() keeps the record of a clause that may speculate, if it does not", () => {
  const simulation = new Simulation(
    "BEGIN { if (arg0) { speculate(speculation()); } trace(arg0); } END { commit(1); }",
  );
  assertEquals(simulation.fire("BEGIN", 0).values(), [0n]);
  assertEquals(simulation.fire("BEGIN", 1).values(), []);
  assertEquals(simulation.fire("END").values(), [1n]);
});
