/** Threads of records, by the registers in which an architecture says that they differ. */

import { assertEquals } from "@std/assert";
import type { Kernel } from "../../ffi/ffi.ts";
import { isaOf } from "../../lib/isa/architectures.ts";
import type { Image } from "../../lib/process/process.ts";
import { RecordThreads } from "../../lib/process/record_threads.ts";
import type { TickClock } from "../../lib/process/tick_clock.ts";

const EM_X86_64 = 62;
const EM_AARCH64 = 183;
/** The thread pointers of two threads. */
const POINTERS: Readonly<Record<number, number>> = { 11: 0xffff_8123_4580, 12: 0xffff_8223_4580 };

Deno.test("RecordThreads.find() knows threads by the thread pointer of the machine", () => {
  // NT_PRSTATUS with fs_base as its 22nd word; NT_ARM_TLS, which has nothing else (elf.h).
  for (const [machine, note, size, at] of [[EM_X86_64, 1, 216, 168], [EM_AARCH64, 0x401, 8, 0]] as const) {
    const isa = isaOf(machine);
    const kernel = {
      call: {
        ft_get_regset(tid: number, asked: number, into: Uint8Array, bytes: number): number {
          assertEquals([asked, bytes], [note, size]);
          new DataView(into.buffer).setUint32(at, POINTERS[tid]! % 2 ** 32, true);
          new DataView(into.buffer).setUint32(at + 4, Math.floor(POINTERS[tid]! / 2 ** 32), true);
          return bytes;
        },
      },
    } as unknown as Kernel;
    const clock = { read() {}, nowTicks: 0, ticksPerSecond: 1e9 } as unknown as TickClock;
    const threads = [11, 12].map((tid) => ({ tid, process: { pid: 11 } }));
    const writer = isa.jumps!.records!;
    const known = new RecordThreads(kernel, clock, writer, { isa, threads: () => threads } as unknown as Image);
    for (const { tid } of threads) {
      const number = writer.threadNumber(POINTERS[tid]! >>> 0, Math.floor(POINTERS[tid]! / 2 ** 32));
      const found = known.find(number, 1);
      assertEquals([found?.pid, found?.tid], [11, tid]);
    }
    assertEquals(known.find(1, 1), undefined);
  }
});
