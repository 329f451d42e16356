/** What `/proc/PID` says. */

import { assert, assertEquals } from "@std/assert";
import { openKernel } from "../../ffi/ffi.ts";
import {
  isOurs,
  listDirectory,
  listThreads,
  readBytes,
  readCpu,
  readEndStatus,
  readEnvironment,
  readLink,
  readMappings,
  readState,
  readStatus,
  readText,
  splitStrings,
} from "../../lib/process/proc_files.ts";
import { withTarget } from "../support.ts";

/** A pid that no process has. */
const NO_PID = 0x7ffffff0;

Deno.test("readStatus() gives what decides about tracing", () =>
  withTarget("threads", async (target) => {
    using kernel = openKernel();
    const status = readStatus(kernel, target.pid)!;
    const uid = Deno.uid()!;
    assertEquals([status.name, status.tgid, status.tracerPid], ["threads", target.pid, 0]);
    assertEquals([status.hasMemory, status.uid[0], status.uid.length, status.gid.length], [true, uid, 4, 4]);
    assert("RS".includes(status.state));
    assertEquals(readStatus(kernel, status.ppid)!.name, "launcher");
    assertEquals(readStatus(kernel, "self")!.tgid, Deno.pid);
    assertEquals([readStatus(kernel, NO_PID), isOurs(kernel, target.pid)], [undefined, false]);
    await target.send();
  }));

Deno.test("readState() and readCpu() read behind a name with blanks and parentheses", async () => {
  const folder = await Deno.makeTempDir();
  const program = `${folder}/a ) (b) 1 2`;
  await Deno.copyFile(new URL("../../build/targets/idle", import.meta.url), program);
  try {
    await withTarget(program, async (target) => {
      using kernel = openKernel();
      assertEquals(readStatus(kernel, target.pid)!.name, "a ) (b) 1 2");
      assert("RS".includes(readState(kernel, target.pid, target.pid)!));
      assert(readCpu(kernel, target.pid, target.pid) < navigator.hardwareConcurrency);
      await target.send();
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("readState() and the others know no process that is not there", () => {
  using kernel = openKernel();
  assertEquals(readState(kernel, NO_PID, NO_PID), undefined);
  assertEquals(readEndStatus(kernel, NO_PID), undefined);
  assertEquals(listThreads(kernel, NO_PID), undefined);
  assertEquals(readMappings(kernel, NO_PID), undefined);
  assertEquals(readLink(kernel, `/proc/${NO_PID}/exe`), undefined);
  assertEquals(readText(kernel, `/proc/${NO_PID}/maps`), undefined);
});

Deno.test("readMappings() gives every mapping below 2^53, with the names of files as they are", async () => {
  const folder = await Deno.makeTempDir();
  const program = `${folder}/line\nend`;
  await Deno.copyFile(new URL("../../build/targets/idle", import.meta.url), program);
  try {
    await withTarget(program, async (target) => {
      using kernel = openKernel();
      const lines = Deno.readTextFileSync(`/proc/${target.pid}/maps`).trimEnd().split("\n")
        .filter((line) => !line.includes("[vsyscall]"));
      const mappings = readMappings(kernel, target.pid)!;
      assertEquals(mappings.length, lines.length);
      const text = mappings.find(({ path, permissions }) => path === program && permissions === "r-xp")!;
      assert(text.end > text.start && text.offset > 0 && !text.deleted && /^\w+:\w+ \d+$/.test(text.file));
      await Deno.remove(program);
      const gone = readMappings(kernel, target.pid)!.find(({ start }) => start === text.start)!;
      assertEquals([gone.path, gone.deleted], [program, true]);
      assertEquals(readLink(kernel, `/proc/${target.pid}/exe`), `${program} (deleted)`);
      await target.send();
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("listThreads() lists threads in ascending order", () =>
  withTarget("spin", async (target) => {
    using kernel = openKernel();
    const tids = listThreads(kernel, target.pid)!;
    assertEquals(tids.length, 5);
    // Numbers may have begun again behind that of the first one.
    assertEquals([tids.includes(target.pid), tids], [true, tids.toSorted((a, b) => a - b)]);
    await target.send();
  }, { args: [4] }));

Deno.test("readBytes() reads files larger than its first buffer", async () => {
  using kernel = openKernel();
  const path = await Deno.makeTempFile();
  try {
    for (const size of [0, 1, 1 << 14, (1 << 14) + 1, 300_000]) {
      const bytes = Uint8Array.from({ length: size }, (_, i) => i * 7);
      await Deno.writeFile(path, bytes);
      assertEquals(readBytes(kernel, path), bytes);
    }
    assertEquals(listDirectory(kernel, path), undefined);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("listDirectory() lists directories larger than its first buffer", async () => {
  using kernel = openKernel();
  const folder = await Deno.makeTempDir();
  try {
    const names = Array.from({ length: 300 }, (_, i) => `${"name".repeat(8)}${i}`).sort();
    for (const name of names) await Deno.writeTextFile(`${folder}/${name}`, "");
    assertEquals(listDirectory(kernel, folder)!.sort(), names);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("readEnvironment() and splitStrings() keep every entry", () => {
  using kernel = openKernel();
  const environment = readEnvironment(kernel);
  assert(environment.includes(`PATH=${Deno.env.get("PATH")}`));
  assertEquals(splitStrings(new TextEncoder().encode("a=1\0\0b\0")), ["a=1", "", "b"]);
  assertEquals(splitStrings(new Uint8Array(0)), []);
});
