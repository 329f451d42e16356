/** Why a thread stops, told from invented signals. */

import { assertEquals } from "@std/assert";
import type { Kernel } from "../../ffi/ffi.ts";
import { isaOf } from "../../lib/isa/architectures.ts";
import { cautionOf } from "../../lib/process/images.ts";
import type { Image, Thread } from "../../lib/process/process.ts";
import { isStepCode } from "../../lib/process/ptrace.ts";
import { StopContext } from "../../lib/process/stop_context.ts";

const EM_X86_64 = 62;
const EM_AARCH64 = 183;
const SIGTRAP = 5;
const SIGUSR1 = 10;
const SI_USER = 0;
const TRAP_BRKPT = 1;
const TRAP_TRACE = 2;

/** Whether a signal is taken for the end of a step that a thread makes. */
function isStep(machine: number, signal: number, code: number, pid: number, stepping = true): boolean {
  const call = {
    "ft_get_siginfo": (_: number, bytes: Uint8Array<ArrayBuffer>) => {
      const siginfo = new Int32Array(bytes.buffer);
      [siginfo[0], siginfo[2], siginfo[4]] = [signal, code, pid];
      return 0;
    },
  };
  const stop = new StopContext({ call } as unknown as Kernel);
  const thread = { tid: 1, stepping, process: { image: { isa: isaOf(machine) } } };
  return isStepCode(stop.signalCode(thread as unknown as Thread));
}

Deno.test("StopContext.signalCode() tells a step over a system call on each machine", () => {
  const rows = [
    ["x86: any instruction", EM_X86_64, SIGTRAP, TRAP_TRACE, 0, true],
    ["x86: a system call", EM_X86_64, SIGTRAP, TRAP_BRKPT, 0, true],
    ["x86: from outside of the namespace", EM_X86_64, SIGTRAP, SI_USER, 0, false],
    ["aarch64: any instruction", EM_AARCH64, SIGTRAP, TRAP_TRACE, 0, true],
    ["aarch64: a system call", EM_AARCH64, SIGTRAP, SI_USER, 0, true],
    ["aarch64: from a user", EM_AARCH64, SIGTRAP, SI_USER, 1234, false],
    ["aarch64: another signal", EM_AARCH64, SIGUSR1, SI_USER, 0, false],
  ] as const;
  for (const [what, machine, signal, code, pid, expected] of rows) {
    assertEquals(isStep(machine, signal, code, pid), expected, what);
  }
  assertEquals(isStep(EM_AARCH64, SIGTRAP, SI_USER, 0, false), false);
});

Deno.test("cautionOf() says of aarch64 code that it was never traced on a real machine", () => {
  const image = (machine: number) => ({ pid: 12, isa: isaOf(machine) }) as Image;
  assertEquals(cautionOf(image(EM_X86_64)), undefined);
  assertEquals(
    cautionOf(image(EM_AARCH64)),
    "Process 12 runs aarch64 code: its tracing was tested on emulated machines only",
  );
});
