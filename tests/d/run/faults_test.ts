import { assertEquals } from "@std/assert";
import { Simulation } from "../simulated.ts";

const BAD_ADDRESS = 1;
const ILLEGAL_OPERATION = 3;
const DIVIDE_BY_ZERO = 4;
const NO_SCRATCH = 5;

/** The faults of a clause. */
function faultsOf(statements: string, ...args: (bigint | number)[]) {
  const simulation = new Simulation(`BEGIN { ${statements} }`);
  return simulation.fire("BEGIN", ...args).take().map(({ fault }) => fault);
}

Deno.test("RunningProgram.fire() ends a clause that fails, and leaves the error in the place of its record", () => {
  const simulation = new Simulation("BEGIN { trace(1); x = 5; trace(10 / arg0); x = 6; } BEGIN { trace(x); }");
  simulation.fire("BEGIN", 0).fire("BEGIN", 2);
  const [error, ...others] = simulation.take();
  assertEquals(error!.fault, { epid: 2, action: 3, kind: DIVIDE_BY_ZERO, address: 0 });
  assertEquals(others.map(({ epid }) => epid), [3, 2, 3]);
});

Deno.test("RunningProgram.fire() fails at what is no memory of the clause", () => {
  assertEquals(faultsOf("trace(*(int *)arg0);", 0x1234), [{ epid: 2, action: 1, kind: BAD_ADDRESS, address: 0x1234 }]);
  assertEquals(faultsOf("trace(stringof(arg0));", 0), [{ epid: 2, action: 1, kind: BAD_ADDRESS, address: 0 }]);
  assertEquals(faultsOf("trace(1); trace(copyinstr(arg0));", 0x7fff_0000_1000)[0], {
    epid: 2,
    action: 2,
    kind: BAD_ADDRESS,
    address: 0x7fff_0000_1000,
  });
  assertEquals(faultsOf("this->p = (char *)alloca(8); this->p[arg0] = 1;", 1 << 24)[0]?.kind, BAD_ADDRESS);
  assertEquals(faultsOf("this->p = (int *)(arg0 | (1 << 63)); trace(*this->p);", -1n)[0]?.kind, BAD_ADDRESS);
  assertEquals(faultsOf("trace(*(long *)arg0);", (1n << 63n) | 4n)[0]?.kind, BAD_ADDRESS);
});

Deno.test("RunningProgram.fire() fails where scratch memory ends", () => {
  assertEquals(faultsOf("this->p = alloca(arg0);", 1 << 30)[0]?.kind, NO_SCRATCH);
  assertEquals(faultsOf("this->p = alloca(arg0);", -1n)[0]?.kind, NO_SCRATCH);
});

Deno.test("RunningProgram.fire() frees scratch memory when the clause ends", () => {
  const simulation = new Simulation("BEGIN { this->p = alloca(1000); trace(arg0); }", { scratchsize: 2048 });
  for (let i = 0; i < 100; i++) simulation.fire("BEGIN", i);
  assertEquals(simulation.values().length, 100);
});

Deno.test("RunningProgram.fire() reports an error of the predicate as of action 0", () => {
  const simulation = new Simulation("BEGIN /10 % arg0/ { trace(1); }");
  assertEquals(simulation.fire("BEGIN", 0).take()[0]!.fault, { epid: 2, action: 0, kind: DIVIDE_BY_ZERO, address: 0 });
});

Deno.test("RunningProgram.fire() fails at a register that is not there", () => {
  assertEquals(faultsOf("trace(uregs[5]);")[0]?.kind, ILLEGAL_OPERATION);
});

Deno.test("RunningProgram.setErrorEnablings() has ERROR fire with what has failed", () => {
  const simulation = new Simulation(`
    ERROR { printf("%d %d %d %d %p", arg1, arg2, arg3, arg4, arg5); trace(execname); trace(probename); }
    BEGIN { trace(1); *(char *)arg0 = 1; }
  `);
  assertEquals(simulation.fire("BEGIN", 0x99).values(), [3n, 2n, -1n, BigInt(BAD_ADDRESS), 0x99n, "a.out", "ERROR"]);
});

Deno.test("RunningProgram.takeDrops() counts errors in clauses of ERROR", () => {
  const simulation = new Simulation("ERROR { trace(1 / arg0); } BEGIN { trace(1 / arg0); } BEGIN { trace(7); }");
  assertEquals(simulation.fire("BEGIN", 0).values(), [7n]);
  assertEquals([simulation.running.takeDrops().dblerror, simulation.running.takeDrops().dblerror], [1, 0]);
});

Deno.test("RunningProgram.fire() speculates, commits and discards", () => {
  const simulation = new Simulation(`
    BEGIN { self->spec = speculation(); speculate(self->spec); trace(arg0); }
    tick { speculate(self->spec); trace(arg0 + 1); }
    profile /arg0/ { commit(self->spec); self->spec = 0; }
    END { discard(self->spec); self->spec = 0; }
  `.replaceAll(/\b(tick|profile)\b/g, "a:b:c:$1"));
  simulation.fire("BEGIN", 1).fire("tick", 1);
  assertEquals(simulation.values(), []);
  simulation.fire("profile", 1);
  assertEquals(simulation.values(), [1n, 2n]);
  simulation.fire("BEGIN", 5).fire("END").fire("BEGIN", 7).fire("profile", 1);
  assertEquals(simulation.values(), [7n]);
});

Deno.test("RunningProgram.takeDrops() counts speculations that are not to be had, and records that do not fit", () => {
  const simulation = new Simulation(
    "BEGIN { this->s = speculation(); speculate(this->s); trace(arg0); } END { commit(1); }",
    {
      specsize: 40,
    },
  );
  simulation.fire("BEGIN", 1).fire("BEGIN", 2).fire("END");
  assertEquals(simulation.values(), [1n]);
  assertEquals(simulation.running.takeDrops().specunavail, 1);
});

Deno.test("RunningProgram.fire() fails where more is read than there is memory at all", () => {
  const simulation = new Simulation("BEGIN { this->p = alloca(8); tracemem(this->p, 8388608); }", {
    bufsize: 16 << 20,
  });
  assertEquals(simulation.fire("BEGIN").take()[0]!.fault?.kind, BAD_ADDRESS);
});
