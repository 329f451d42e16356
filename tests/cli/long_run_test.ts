/** How much memory a program takes that runs for a long time. */

import { assert, assertEquals, assertGreaterOrEqual, assertMatch } from "@std/assert";
import { assertTextUntouched, rounds, TargetProgram } from "../support.ts";
import { RunningCommand } from "./command.ts";

/** When everything that will be used has been used once, in ticks of a second. */
const WARM_TICKS = 6;
const TICKS = rounds(14, 1800);
/** What garbage that has not been collected yet may come to, in kB. */
const GROWTH_MAX = 16_000;

/** Variables, keys and speculations without end: more of each than there is room for. */
const PROGRAM = `
  int64_t last[string, int];

  pid$target:a.out:mix:entry {
    self->start = timestamp;
    this->key = lltostr(arg0 & 0xfffff, 16);
    @keys[arg0, this->key] = count();
    @sizes = quantize(arg0);
    self->spec = speculation();
  }
  pid$target:a.out:mix:entry /self->spec/ {
    speculate(self->spec);
    printf("mix of %x, %s\\n", arg0, strjoin("thread ", lltostr(tid)));
  }
  pid$target:a.out:mix:return /self->spec && arg1 % 100 == 0/ { commit(self->spec); self->spec = 0; }
  pid$target:a.out:mix:return /self->spec/ { discard(self->spec); self->spec = 0; }
  pid$target:a.out:mix:return /self->start/ {
    @took = quantize(timestamp - self->start);
    self->start = 0;
  }
  pid$target:a.out:fold:entry { last[lltostr(arg0 & 0xfffff, 16), arg1 & 7] = timestamp; }
  tick-1s { printf("tick %d\\n", ++ticks); }
`;

Deno.test("fasttrap -n keeps within the memory of its options, however long it runs, and says what it drops", async () => {
  const limits = ["aggsize=256k", "dynvarsize=64k", "nspec=4"].flatMap((limit) => ["-x", limit]);
  await using target = await TargetProgram.start("hot", { args: [2 ** 40, 2] });
  assertEquals(await target.line(), "ready");
  await using command = new RunningCommand(["-q", ...limits, "-n", PROGRAM, "-p", target.pid]);
  await target.send();
  const sizes: number[] = [];
  for (let tick = 1; tick <= TICKS; tick++) {
    await command.shows(`tick ${tick}\n`);
    sizes.push(Number(/^VmRSS:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${command.pid}/status`))![1]));
  }
  command.signal("SIGINT");
  const { code, stdout, stderr } = await command.screen();
  assertEquals(code, 0);
  assert(target.alive);
  assertTextUntouched(target.pid);
  const warm = sizes[WARM_TICKS]!;
  const growth = Math.max(...sizes.slice(WARM_TICKS)) - warm;
  assert(growth < GROWTH_MAX, `${warm} kB after ${WARM_TICKS} s, then ${sizes.slice(WARM_TICKS).join(" ")}`);
  // It has done what it was asked for.
  assertMatch(stdout, /^mix of [0-9a-f]+, thread \d+$/m);
  assertGreaterOrEqual(stdout.split("\n").filter((line) => /^ +-?\d+ +0x[0-9a-f]+ +\d+$/.test(line)).length, 1000);
  const reports = new Set(
    stderr.trimEnd().split("\n").map((line) => line.replace(/\d+(?= )/, "N").replace(/\d+$/, "C")),
  );
  assert(reports.has("dtrace: N aggregation drops on CPU C"), stderr.slice(0, 1000));
  assert(reports.has("dtrace: N dynamic variable drops"), stderr.slice(0, 1000));
});

Deno.test("fasttrap -n forgets the variables of threads that have ended", async () => {
  const threads = 8000;
  const source = 'BEGIN { printf("begun"); } pid$target:a.out:work:entry { self->n = arg0 + 1; @ = count(); }';
  const options = ["-x", "dynvarsize=32k", "-x", "switchrate=5ms", "-x", "jumps=off"];
  await using target = await TargetProgram.start("churn", { args: [threads] });
  assertEquals(await target.line(), "ready");
  await using command = new RunningCommand(["-q", ...options, "-n", source, "-p", target.pid]);
  await command.shows("begun");
  await target.send();
  assertEquals(await target.outcome(), { stdout: `total ${threads * (threads - 1) / 2}\n`, end: "exited 0" });
  assertEquals(await command.screen(), { code: 0, stdout: `begun\n${String(threads).padStart(17)}\n`, stderr: "" });
});
