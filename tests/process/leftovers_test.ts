/** What killed tracers have left, where the program still needs it. */

import { assert, assertEquals } from "@std/assert";
import { openKernel } from "../../ffi/ffi.ts";
import { highHalf, toAddress } from "../../lib/address.ts";
import { X86_64 } from "../../lib/isa/x86_64/architecture.ts";
import { callerPlaceBefore } from "../../lib/process/remote_call.ts";
import { Session } from "../../mod.ts";
import { EVENT_STOP, LIMIT_US, SIGUSR1 } from "../ffi/child.ts";
import {
  assertTextUntouched,
  changedText,
  stateOf,
  type TargetProgram,
  textMappings,
  until,
  untraced,
  withTarget,
} from "../support.ts";

/** `NT_PRSTATUS` of `elf.h`. */
const NT_PRSTATUS = 1;
const GETPID = 39;

/** Sends a program into a caller, as a remote call does, and leaves it there with a signal, as the kernel does at SIGKILL. */
function dieInCaller({ pid }: TargetProgram): void {
  const keeper = X86_64.keeper!;
  const text = textMappings(pid).find(({ path }) => path.startsWith("/"))!;
  const place = callerPlaceBefore(text.end, keeper);
  const registers = new Uint32Array(X86_64.registersBytes / 4);
  const bytes = new Uint8Array(registers.buffer);
  using kernel = openKernel();
  kernel.check(kernel.call.ft_seize(pid, 0), "seize", `process ${pid}`);
  kernel.check(kernel.call.ft_interrupt(pid), "interrupt", `process ${pid}`);
  const status = new Int32Array(1);
  assertEquals([kernel.call.ft_wait(pid, LIMIT_US, status), status[0]], [pid, EVENT_STOP]);
  kernel.check(kernel.call.ft_get_regset(pid, NT_PRSTATUS, bytes, bytes.length), "read registers of", `${pid}`);
  {
    using memory = Deno.openSync(`/proc/${pid}/mem`, { write: true });
    memory.seekSync(place, Deno.SeekMode.Start);
    memory.writeSync(keeper.makeCaller(registers));
  }
  X86_64.registers.prepareSystemCall(registers, GETPID, []);
  registers[X86_64.registers.pc] = place >>> 0;
  registers[X86_64.registers.pc + 1] = highHalf(toAddress(place));
  kernel.check(kernel.call.ft_set_regset(pid, NT_PRSTATUS, bytes, bytes.length), "set registers of", `${pid}`);
  kernel.check(kernel.call.ft_kill(pid, pid, SIGUSR1), "signal", `${pid}`);
  kernel.check(kernel.call.ft_detach(pid, 0), "let go", `${pid}`);
}

async function attach(target: TargetProgram): Promise<void> {
  await using session = new Session({ signals: false, onWarning() {} });
  session.attach(target.pid);
}

for (const args of [[], ["guarded"]]) {
  const where = args.length > 0 ? "behind a page that guards it" : "of its own";
  Deno.test(`Session.attach() leaves a killed tracer's caller to a handler that returns there, on a stack ${where}`, async () => {
    await withTarget("waits_in_handler", async (target) => {
      await target.send();
      // It has taken that line, and waits for the next one.
      await until(() => stateOf(target.pid) === "S", "the wait for a line");
      dieInCaller(target);
      assertEquals(await target.line(), "handling");
      await attach(target);
      await target.send("return");
      await target.send("line");
      assertEquals(await target.line(), "line");
      assert(changedText(target.pid).length > 0);
      await attach(target);
      assertTextUntouched(target.pid);
      assertEquals(await target.outcome(), await untraced("waits_in_handler", { args }));
    }, { args });
  });
}
