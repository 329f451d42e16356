/** Words that tell of the end of a thread. */

import { assert, assertEquals } from "@std/assert";
import { openKernel } from "../../ffi/ffi.ts";
import * as k from "./child.ts";
import { MemoryFile } from "./child.ts";

const PAGE = 4096;
/** Where the word is in its page. */
const WORD = PAGE - 16;
const OWNER_DIED = 0x40000000;
const MARKED = new URL("./marked.ts", import.meta.url).pathname;

Deno.test("ft_mark_end writes the thread's id before the end of a page, and ft_unmark_end takes marks back in any order", () => {
  using kernel = openKernel();
  using file = new MemoryFile(kernel);
  const word = new Uint8Array(4);
  const threads = [...Deno.readDirSync("/proc/self/task")].map(({ name }) => Number(name));
  assertEquals(kernel.call.ft_pwrite(file.fd, 3 * PAGE - 1, word, 1), 1);
  for (const order of [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]]) {
    const marks = [0, 1, 2].map((page) => kernel.call.ft_mark_end(file.fd, page * PAGE));
    for (const page of order) {
      assertEquals(kernel.call.ft_pread(file.fd, page * PAGE + WORD, word, 4), 4);
      assert(threads.includes(new Int32Array(word.buffer)[0]!));
      assertEquals(kernel.call.ft_unmark_end(marks[page]!), 0);
    }
  }
});

Deno.test("ft_mark_end refuses what is no file or no offset, and ft_unmark_end what is no address", () => {
  using kernel = openKernel();
  using file = new MemoryFile(kernel);
  assertEquals(kernel.call.ft_mark_end(-1, 0), k.EBADF);
  for (const offset of [NaN, -1, 1.5, 1]) assertEquals(kernel.call.ft_mark_end(file.fd, offset), k.EINVAL);
  for (const address of [NaN, -1, 0]) assertEquals(kernel.call.ft_unmark_end(address), k.EINVAL);
});

Deno.test("ft_mark_end has the kernel say that the thread has ended, though it was killed", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, new Uint8Array(3 * PAGE));
    const args = ["run", "--allow-ffi", "--no-lock", MARKED, path, "3"];
    const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value } = await reader.read();
    assertEquals(value, "marked\n");
    const words = () => {
      const view = new DataView(Deno.readFileSync(path).buffer);
      return [0, 1, 2].map((page) => view.getUint32(page * PAGE + WORD, true));
    };
    assertEquals(words(), Array(3).fill(child.pid));
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    // One was taken back.
    assertEquals(words(), [OWNER_DIED, child.pid, OWNER_DIED]);
  } finally {
    await Deno.remove(path);
  }
});
