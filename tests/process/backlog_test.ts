/** Threads that wait to be dispatched. */

import { assertEquals } from "@std/assert";
import { Backlog } from "../../lib/process/backlog.ts";
import type { Thread } from "../../lib/process/process.ts";

Deno.test("Backlog keeps threads in the order of their arrival, each once", () => {
  const threads = [1, 2, 3, 4, 5].map((tid) => ({ tid }) as Thread);
  const [first, second, third] = threads as [Thread, Thread, Thread];
  const backlog = new Backlog();
  assertEquals([backlog.isEmpty, backlog.next()], [true, undefined]);
  for (const thread of [...threads, second]) backlog.add(thread);
  assertEquals([backlog.remove(third), backlog.remove(third), backlog.isEmpty], [true, false, false]);
  assertEquals(backlog.extract(({ tid }) => tid > 3).map(({ tid }) => tid), [4, 5]);
  assertEquals([backlog.next(), backlog.next(), backlog.next()], [first, second, undefined]);
});
