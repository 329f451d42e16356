import { assertEquals } from "@std/assert";
import { timingOf, TracerProbes } from "../../lib/session/program/tracer_probes.ts";

Deno.test("timingOf() reads rates and periods as DTrace does", () => {
  const rows: [string, number | undefined][] = [
    ["tick-5", 200],
    ["tick-1000hz", 1],
    ["tick-10ms", 10],
    ["tick-500us", 0.5],
    ["tick-2sec", 2000],
    ["profile-97", 1000 / 97],
    ["profile-1m", 60_000],
    ["tick-1day", 86_400_000],
    ["tick-5000", 0.2],
    ["tick-200US", 0.2],
    ["tick-5001", undefined],
    ["profile-199us", undefined],
    ["TICK-5", undefined],
    ["tick-0", undefined],
    ["tick-5fortnights", undefined],
    ["tick", undefined],
    ["xtick-5", undefined],
  ];
  for (const [name, periodMs] of rows) assertEquals(timingOf(name)?.periodMs, periodMs, name);
});

Deno.test("TracerProbes.matching() wants a name without a provider, and takes globs with one", () => {
  const probes = new TracerProbes();
  const names = (provider: string, name: string) =>
    probes.matching({ provider, module: "", function: "", name }).map((probe) => `${probe.provider}:${probe.name}`);
  assertEquals(names("", "BEGIN"), ["dtrace:BEGIN"]);
  assertEquals(names("", ""), []);
  assertEquals(names("", "B*"), []);
  assertEquals(names("dtrace", ""), ["dtrace:BEGIN", "dtrace:END", "dtrace:ERROR"]);
  assertEquals(names("d*", "E*"), ["dtrace:END", "dtrace:ERROR"]);
  assertEquals(names("profile", "tick-5"), ["profile:tick-5"]);
  assertEquals(names("*", "tick-5"), ["profile:tick-5"]);
  assertEquals(names("profile", "").length, 13);
  assertEquals(names("prof*", "tick-?"), ["profile:tick-1"]);
  assertEquals(names("profile", "entry"), []);
  assertEquals(names("*$target", "BEGIN"), []);
  assertEquals(names("pid1", "BEGIN"), []);
  assertEquals(probes.matching({ provider: "", module: "a", function: "", name: "BEGIN" }), []);
});
