import { assertEquals } from "@std/assert";
import { TargetReport } from "../../lib/consumer/target_report.ts";
import { SessionTarget } from "../../lib/session/target.ts";

/** Targets and the report on them. */
function makeReport(...pids: number[]): { targets: SessionTarget[]; report: TargetReport } {
  const targets = pids.map((pid) => new SessionTarget(pid));
  return { targets, report: new TargetReport([...targets, ...targets]) };
}

Deno.test("TargetReport.update() says each end once", () => {
  const { targets, report } = makeReport(12, 13, 14, 15, 16);
  assertEquals(report.update(), "");
  // Wait statuses (wait(2)): the exit code in the second byte, the signal in the first.
  [0, 7 << 8, 9, 35, undefined].forEach((status, index) => targets[index]!.ended(status));
  assertEquals(
    report.update(),
    "dtrace: pid 12 has exited\ndtrace: pid 13 exited with status 7\ndtrace: pid 14 terminated by SIGKILL\n" +
      "dtrace: pid 15 terminated by 35\ndtrace: pid 16 has exited\n",
  );
  assertEquals(report.update(), "");
});

Deno.test("TargetReport.update() says each time that a program was replaced", () => {
  const { targets: [target], report } = makeReport(12);
  const line = "fasttrap: pid 12 has executed another program, which has no probes\n";
  target!.replaced();
  assertEquals(report.update(), line);
  assertEquals(report.update(), "");
  target!.replaced();
  target!.ended(0);
  assertEquals(report.update(), `${line}dtrace: pid 12 has exited\n`);
});
