import { assertEquals } from "@std/assert";
import { makeRandom } from "../random.ts";
import { run, Simulation } from "../simulated.ts";

Deno.test("RunningProgram.fire() keeps global variables, and makes clause-local ones anew", () => {
  const simulation = new Simulation("BEGIN { trace(++total); trace(++this->n); } BEGIN { trace(++this->n); }");
  assertEquals(simulation.fire("BEGIN").values(), [1n, 1n, 2n]);
  assertEquals(simulation.fire("BEGIN").values(), [2n, 1n, 2n]);
});

Deno.test("RunningProgram.fire() keeps variables of threads apart", () => {
  const simulation = new Simulation(
    "BEGIN { self->a = arg0; self->s = execname; } END { trace(self->a); trace(self->s); }",
  );
  const { hit } = simulation;
  simulation.fire("BEGIN", 7);
  hit.tid = 5;
  simulation.fire("END");
  assertEquals(simulation.values(), [0n, ""]);
  simulation.fire("BEGIN", 8).fire("END");
  hit.tid = 101;
  simulation.fire("END");
  assertEquals(simulation.values(), [8n, "a.out", 7n, "a.out"]);
});

Deno.test("RunningProgram.fire() frees the variables of a thread that are all zero", () => {
  const simulation = new Simulation(
    "BEGIN { self->a = arg0; self->b = arg1; } END { trace(self->a); trace(self->b); }",
    { dynvarsize: 10 * 24 },
  );
  const { hit, running } = simulation;
  for (let tid = 1; tid <= 100; tid++) {
    hit.tid = tid;
    simulation.fire("BEGIN", 1, 2).fire("BEGIN", 0, 2).fire("END").fire("BEGIN", 0, 0);
  }
  assertEquals(running.takeDrops().dynamic, 0);
  assertEquals(simulation.values(), Array.from({ length: 100 }, () => [0n, 2n]).flat());
});

Deno.test("RunningProgram.fire() does not store variables for which there is no room, and counts them", () => {
  const simulation = new Simulation("BEGIN { self->a = arg0; trace(self->a); }", { dynvarsize: 3 * 16 });
  const { hit, running } = simulation;
  for (let tid = 1; tid <= 5; tid++) {
    hit.tid = tid;
    simulation.fire("BEGIN", tid);
  }
  assertEquals(simulation.values(), [1n, 2n, 3n, 0n, 0n]);
  assertEquals(running.takeDrops().dynamic, 2);
  running.endThread(2);
  assertEquals(simulation.fire("BEGIN", 9).values(), [9n]);
  assertEquals(running.takeDrops().dynamic, 0);
});

Deno.test("RunningProgram.fire() finds elements by their tuples, as a Map does", () => {
  const simulation = new Simulation(`
    BEGIN { a[arg0, "x"] = arg1; trace(a[arg0, "x"]); }
    END { trace(a[arg0, arg1 ? "x" : "y"]); }
  `);
  const map = new Map<number, number>();
  const random = makeRandom(10);
  for (let round = 0; round < 3000; round++) {
    const key = random() % 50;
    const value = random() % 4;
    if (random() % 2 === 0) {
      map.set(key, value);
      assertEquals(simulation.fire("BEGIN", key, value).values(), [BigInt(value)]);
    } else assertEquals(simulation.fire("END", key, 1).values(), [BigInt(map.get(key) ?? 0)]);
    assertEquals(simulation.fire("END", key, 0).values(), [0n]);
  }
});

Deno.test("RunningProgram.fire() frees elements by a zero, and counts those for which there is no room", () => {
  // An element of one number takes 8 bytes, and its key as many.
  const simulation = new Simulation("BEGIN { a[arg0] = arg1; trace(a[arg0]); }", { dynvarsize: 4 * 16 });
  for (let round = 0; round < 100; round++) simulation.fire("BEGIN", round, 1).fire("BEGIN", round, 0);
  assertEquals(simulation.running.takeDrops().dynamic, 0);
  simulation.take();
  for (let key = 0; key < 6; key++) simulation.fire("BEGIN", key, 1);
  assertEquals(simulation.values(), [1n, 1n, 1n, 1n, 0n, 0n]);
  assertEquals(simulation.running.takeDrops().dynamic, 2);
  assertEquals(simulation.fire("BEGIN", 0, 0).fire("BEGIN", 9, 5).values(), [0n, 5n]);
});

Deno.test("RunningProgram.fire() computes with elements in place", () => {
  const simulation = new Simulation(
    "BEGIN { a[arg0] += arg1; trace(a[arg0]++); trace(--a[arg0]); trace(a[arg0] -= arg1); trace(a[arg0]); }",
  );
  assertEquals(simulation.fire("BEGIN", 1, 5).values(), [5n, 5n, 0n, 0n]);
  assertEquals(simulation.fire("BEGIN", 1, -2n).values(), [-2n, -2n, 0n, 0n]);
});

Deno.test("RunningProgram.fire() keeps elements of threads apart", () => {
  const simulation = new Simulation("BEGIN { self->a[arg0] = arg1; } END { trace(self->a[arg0]); }");
  simulation.fire("BEGIN", 1, 5);
  simulation.hit.tid = 9;
  simulation.fire("END", 1).fire("BEGIN", 1, 6).fire("END", 1);
  simulation.hit.tid = 101;
  assertEquals(simulation.fire("END", 1).values(), [0n, 6n, 5n]);
});

Deno.test("RunningProgram.fire() has strings in variables and elements", () => {
  assertEquals(
    run(
      's = "abc"; trace(s); s = s; trace(s); a["k"] = s; s = ""; trace(a["k"]); trace(a["l"]); a["k"] = ""; trace(a["k"]);',
    ),
    [
      "abc",
      "abc",
      "abc",
      "",
      "",
    ],
  );
  assertEquals(run('s = "abcdefghij"; trace(s); trace(strlen(s));', { strsize: 8 }), ["abcdefg", 7n]);
});

Deno.test("RunningProgram.fire() uses elements as keys of elements", () => {
  assertEquals(run("a[1] = 2; b[2, 3] = 4; c[4] = 5; trace(c[b[a[1], a[1] + 1]]); a[a[1]] = a[1] + 7; trace(a[2]);"), [
    5n,
    9n,
  ]);
});

Deno.test("RunningProgram.fire() copies structures between variables", () => {
  const simulation = new Simulation(`
    struct pair { int a; int b; };
    struct pair p;
    BEGIN {
      p = *(struct pair *)copyin(arg0, sizeof (struct pair));
      this->q = p;
      trace(this->q.b); trace(p.a);
    }
  `);
  simulation.hit.memory.set(0x1000, new Uint8Array(Int32Array.of(11, -12).buffer));
  assertEquals(simulation.fire("BEGIN", 0x1000).values(), [-12n, 11n]);
});

Deno.test("RunningProgram.endThread() leaves nothing behind for the next thread", () => {
  const simulation = new Simulation("BEGIN { self->a = 1; self->b = 2; } END { self->a = 1; trace(self->b); }");
  simulation.fire("BEGIN");
  simulation.running.endThread(101);
  simulation.hit.tid = 7;
  assertEquals(simulation.fire("END").values(), [0n]);
});

Deno.test("RunningProgram.fire() gives the room of variables that have become zero to other threads and elements", () => {
  const simulation = new Simulation(
    `
    BEGIN /arg0 < 9/ { self->a = arg0; self->b = arg0; }
    BEGIN { trace(self->a + self->b); }
    END { self->a = 0; self->b = 0; x[arg0, arg1] = 7; self->a = 5; }
  `,
    { dynvarsize: 3 * 24 },
  );
  const { hit, running } = simulation;
  for (let tid = 1; tid <= 3; tid++) {
    hit.tid = tid;
    simulation.fire("BEGIN", tid).fire("BEGIN", 0);
  }
  // The present thread's block stays, though it holds nothing at the moment; the element has the room of others'.
  simulation.fire("BEGIN", 1).fire("END", 1, 2).fire("BEGIN", 9);
  assertEquals(simulation.values(), [2n, 0n, 4n, 0n, 6n, 0n, 2n, 5n]);
  hit.tid = 4;
  assertEquals(simulation.fire("BEGIN", 8).fire("BEGIN", 9).values(), [16n, 16n]);
  assertEquals(running.takeDrops().dynamic, 0);
  running.endThread(4);
  assertEquals(simulation.fire("BEGIN", 9).values(), [0n]);
});
