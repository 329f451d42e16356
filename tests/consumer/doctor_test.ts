import { assertEquals, assertStringIncludes } from "@std/assert";
import { formatEnvironment, formatPermission } from "../../lib/consumer/doctor.ts";

const UID = { rule: "uid", found: "you are 1000, it is 33", passes: undefined };

Deno.test("formatPermission() lists the rules, the cause and the hint", () => {
  const text = formatPermission({
    pid: 4242,
    description: "nginx, uid 33, state S",
    allowed: false,
    cause: "it belongs to uid 33",
    hint: "run as root",
    checks: [
      UID,
      { rule: "capability", found: "no CAP_SYS_PTRACE", passes: false },
      { rule: "tracer", found: "none", passes: true },
    ],
  });
  assertEquals(
    text,
    `\
target 4242 (nginx, uid 33, state S)            attach: refused
  uid              you are 1000, it is 33       -
  capability       no CAP_SYS_PTRACE            ✗
  tracer           none                         ✓
cause: it belongs to uid 33
hint: run as root
`,
  );
});

Deno.test("formatEnvironment() names the ways that work", () => {
  const rows: [capability: boolean | undefined, yama: boolean, seccomp: boolean, ways: string][] = [
    [true, true, true, "-c CMD  ·  -p PID of any process"],
    [undefined, true, true, "-c CMD  ·  -p PID of your own processes"],
    [undefined, false, true, "-c CMD"],
    [true, true, false, "none: run outside of the sandbox or container"],
  ];
  for (const [capability, yama, seccomp, ways] of rows) {
    const checks = Object.entries({ capability, yama, seccomp })
      .map(([rule, passes]) => ({ rule, found: "something", passes }));
    assertStringIncludes(formatEnvironment("here", checks), `\nways that work now: ${ways}\n`);
  }
});
