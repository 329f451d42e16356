/** What a handler can see and change while the thread is stopped. */

import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { InvariantError } from "../../lib/errors.ts";
import { type Hit, Session, SystemError } from "../../mod.ts";
import { rawMemory, untraced, withTarget } from "../support.ts";
import { traced } from "../tracing.ts";

/** Runs `arguments` with a handler at one probe, and gives its output. */
async function atProbe(probe: string, handler: (hit: Hit) => void): Promise<string[]> {
  const { hits, stdout, end } = await traced("arguments", [`pid$target:a.out:${probe}`], { handler });
  assertEquals(end, "exited 0");
  assert(hits[0]! > 0);
  return stdout.trim().split("\n");
}

/** What `arguments` prints untraced. */
async function plainLines(): Promise<string[]> {
  return (await untraced("arguments")).stdout.trim().split("\n");
}

const TEN = [1, -2, 3, -4, 5, -6, 7, -8, 9, -10];

Deno.test("Hit.arg() reads ten arguments at the entry, those on the stack included", async () => {
  const seen: (number | bigint)[][] = [];
  const lines = await atProbe("ten:entry", (hit) => {
    seen.push(TEN.map((_, i) => hit.arg(i)), TEN.map((_, i) => hit.argBigInt(i)));
    const word = new Uint32Array(2);
    hit.readArg(9, word);
    seen.push([...word]);
  });
  assertEquals(seen, [TEN, TEN.map(BigInt), [0xfffffff6, 0xffffffff]]);
  assertEquals(lines, await plainLines());
});

Deno.test("Hit.arg() at an instruction counts those on the stack from where the stack ends then", async () => {
  const seen: number[][] = [];
  await atProbe("ten:0", (hit) => void seen.push(TEN.map((_, i) => hit.arg(i))));
  const { hits } = await traced("arguments", ["pid$target:a.out:ten:[0-9a-f]*"], {
    handler: (hit) => {
      // At its last instruction the return address is what the stack ends with.
      if (hit.readBytes(hit.pc, 1)[0] === 0xc3) seen.push([6, 7, 8, 9].map((i) => hit.arg(i)));
    },
  });
  assert(hits[0]! > 2);
  assertEquals([seen.length, seen[0], seen[1]?.slice(1)], [2, TEN, [7, -8, 9]]);
});

Deno.test("Hit.arg() at a return gives the offset and the value", async () => {
  const seen: number[][] = [];
  await atProbe("two:return", (hit) => void seen.push([hit.arg(1), hit.arg(2), hit.arg(3), hit.returnValue]));
  assertEquals(seen, [[41, -40, 0, 41]]);
  const places: number[] = [];
  const { hits } = await traced("arguments", ["pid$target:a.out:two:entry", "pid$target:a.out:two:return"], {
    handler: (hit) => {
      places.push(hit.pc);
      if (hit.probe.name === "entry") return;
      // ret, and where it is in the function.
      assertEquals([...hit.readBytes(hit.pc, 1)], [0xc3]);
      places.push(hit.arg(0));
    },
  });
  const [entry, leaves, offset] = places;
  assertEquals([hits, offset, offset! > 0], [[1, 1], leaves! - entry!, true]);
});

Deno.test("Hit.argBigInt() is exact where a number is not", async () => {
  const seen: (number | bigint)[] = [];
  await atProbe("big:entry", (hit) => void seen.push(hit.argBigInt(0), hit.arg(0)));
  assertEquals(seen, [-0x7fffffffffffffffn, -(2 ** 63)]);
});

Deno.test("Hit.setArg() changes what the function gets", async () => {
  const lines = await atProbe("ten:entry", (hit) => {
    hit.setArg(0, 2 ** 40);
    hit.setArg(5, 0);
    hit.setArg(9, -1);
    assertEquals([0, 5, 9].map((i) => hit.arg(i)), [2 ** 40, 0, -1]);
  });
  assertEquals(lines[0], `ten ${-55 + 2 ** 40 - 1 + 36 + 90}`);
  assertEquals(lines.slice(1), (await plainLines()).slice(1));
});

Deno.test("Hit.setReturnValue() changes what the caller gets", async () => {
  const lines = await atProbe("two:return", (hit) => {
    hit.setReturnValue(-(2 ** 50));
    assertEquals(hit.returnValue, -(2 ** 50));
  });
  assertEquals(lines[4], `two ${-(2 ** 50)} -40`);
});

Deno.test("Hit.readString() reads literals, pages that nobody has touched yet, and nothing where nothing is", async () => {
  const seen: (string | undefined)[] = [];
  await atProbe("text:entry", (hit) => {
    seen.push(hit.readString(hit.arg(0)), hit.readString(hit.arg(1), 7), hit.readString(hit.arg(2)));
    assertEquals(hit.readString(-1), undefined);
    assertEquals(hit.readString(2 ** 60), undefined);
    assertEquals(hit.readString(hit.arg(0), 0), "");
    assertEquals(hit.readBytes(8, 4).length, 0);
    if (hit.arg(2) !== 0) assertEquals([...hit.readBytes(hit.arg(0), 3)], [0x68, 0xc3, 0xa9]);
  });
  assertEquals(seen, ["héllo", "written", undefined, "fresh", "written", undefined]);
});

Deno.test("Hit.readBytes() ends before a page that cannot be read", async () => {
  await atProbe("text:entry", (hit) => {
    if (hit.arg(2) !== 0) return;
    // The file behind the mapping is shorter than its second page.
    const page = hit.arg(0);
    assertEquals(hit.readBytes(page + 4090, 100).length, 6);
    assertEquals(hit.readBytes(page, 4096).length, 4096);
  });
});

Deno.test("Hit.writeBytes() changes memory that the program may write, and no other", async () => {
  const lines = await atProbe("text:entry", (hit) => {
    hit.writeBytes(hit.arg(1), new TextEncoder().encode("Written"));
    const refused = assertThrows(() => hit.writeBytes(hit.arg(0), new Uint8Array(1)), SystemError);
    assertEquals(refused.errno, "EFAULT");
    assertThrows(() => hit.writeBytes(8, new Uint8Array(1)), SystemError, "Cannot write 1 bytes at 0x8");
    assertThrows(() => hit.writeBytes(hit.pc, new Uint8Array(1)), SystemError);
    assertThrows(() => hit.writeBytes(-5, new Uint8Array(1)), SystemError);
  });
  assertEquals(lines[3], "scratch Written by the program");
});

Deno.test("Hit.arg() and its like throw RangeError for what cannot be", async () => {
  await atProbe("two:entry", (hit) => {
    for (const index of [-1, 256, 1.5, NaN]) {
      assertThrows(() => hit.arg(index), RangeError);
      assertThrows(() => hit.argBigInt(index), RangeError);
      assertThrows(() => hit.setArg(index, 0), RangeError);
    }
    for (const value of [2 ** 53, 0.5, NaN, Infinity]) assertThrows(() => hit.setArg(0, value), RangeError);
    assertThrows(() => hit.setReturnValue(1), RangeError);
  });
  await atProbe("two:return", (hit) => {
    assertThrows(() => hit.setArg(0, 1), RangeError);
    assertThrows(() => hit.setReturnValue(2 ** 53), RangeError);
  });
});

Deno.test("Hit.pid and the others throw InvariantError when the handler is over", async () => {
  let kept: Hit | undefined;
  await atProbe("two:entry", (hit) => {
    kept = hit;
    assertEquals([hit.probe.module, hit.probe.function, hit.probe.name], ["arguments", "two", "entry"]);
    assertEquals(hit.pid, hit.tid);
    assert(hit.timestampNs > 0 && hit.timestampNs === hit.timestampNs);
    assert(hit.cpu >= 0);
  });
  const hit = kept!;
  for (
    const use of [
      () => hit.pid,
      () => hit.tid,
      () => hit.cpu,
      () => hit.pc,
      () => hit.probe,
      () => hit.returnValue,
      () => hit.arg(0),
      () => hit.argBigInt(0),
      () => hit.setArg(0, 0),
      () => hit.setReturnValue(0),
      () => hit.readBytes(0, 1),
      () => hit.readString(0),
      () => hit.writeBytes(0, new Uint8Array(1)),
    ]
  ) assertInstanceOf(assertThrows(use), InvariantError);
});

Deno.test("Hit.readBytes() shows the program's own bytes below the traps", async () => {
  await withTarget("spin", async (target) => {
    await using session = new Session({ signals: false });
    const process = session.attach(target.pid);
    const shown: Uint8Array[] = [];
    session.enable("pid$target:a.out:work:", {
      handler: (hit) => {
        if (hit.probe.name !== "entry") return;
        assertEquals(rawMemory(target.pid, hit.pc, 1)[0], 0xcc);
        shown.push(
          hit.readBytes(hit.pc, 29),
          hit.readBytes(hit.pc - 5, 40).subarray(5, 34),
          hit.readBytes(hit.pc + 7, 9),
        );
        session.detach(process);
        shown.push(rawMemory(target.pid, hit.pc, 29));
      },
    });
    await session.run();
    const [bytes, wide, part, raw] = shown;
    assertEquals(shown.length, 4);
    assertEquals([bytes, wide, part], [raw, raw, raw!.slice(7, 16)]);
  });
});
