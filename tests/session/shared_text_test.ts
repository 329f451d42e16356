/** Text that is a file's own, which a trap would change. */

import { assertEquals, assertThrows } from "@std/assert";
import { DTraceError, Session } from "../../mod.ts";
import { withTarget } from "../support.ts";

/** `lea 1(%rdi), %rax; ret` at offset 64 of a file. */
const CODE = [0x48, 0x8d, 0x47, 0x01, 0xc3];

Deno.test("D_PROC_LIB: a module whose text is mapped shared", async () => {
  const path = await Deno.makeTempFile({ prefix: "shared", suffix: ".so" });
  try {
    const file = new Uint8Array(4096);
    file.set(CODE, 64);
    await Deno.writeFile(path, file);
    await withTarget("shared_text", async (target) => {
      const warnings: string[] = [];
      await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
      session.attach(target.pid);
      const name = path.slice(path.lastIndexOf("/") + 1);
      const error = assertThrows(() => session.enable(`pid$target:${name}:f:entry`), DTraceError);
      assertEquals([error.tag, error.message], [
        "D_PROC_LIB",
        `Cannot trace module '${name}': its text is mapped shared`,
      ]);
      // By its address it is refused as well, whoever asks.
      const mapping = Deno.readTextFileSync(`/proc/${target.pid}/maps`).split("\n").find((line) => line.endsWith(path));
      const address = Number.parseInt(mapping!, 16) + 64;
      const byAddress = session.enable(`pid$target::-:${address.toString(16)}`, { handler: () => {} });
      assertEquals(byAddress.unplaced.map(({ reason }) => reason.replace(/,.*/, "")), [
        "its text is mapped shared",
      ]);
      assertEquals(Deno.readFileSync(path), file);
      const work = session.enable("pid$target:a.out:work:entry", { handler: () => {} });
      await target.send();
      await session.run();
      assertEquals(work.hitsTotal, 1);
      assertEquals(await target.outcome(), { stdout: "2 42\n", end: "exited 0" });
      assertEquals(Deno.readFileSync(path), file);
    }, { args: [path] });
  } finally {
    await Deno.remove(path);
  }
});
