import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { cString, type Kernel, openKernel } from "../../ffi/ffi.ts";
import * as k from "./child.ts";
import { Child, MemoryFile } from "./child.ts";

/** `NT_PRSTATUS`, elf.h. */
const NT_PRSTATUS = 1;

/** Where the general registers are in the note: sys/user.h of each architecture. */
const LAYOUT = Deno.build.arch === "x86_64"
  ? { bytes: 216, pc: 16 * 8, sp: 19 * 8, free: 0, trap: [0xcc], skips: 1 }
  : { bytes: 272, pc: 32 * 8, sp: 31 * 8, free: 19 * 8, trap: [0x00, 0x00, 0x20, 0xd4], skips: 0 };

/** A stopped thread's general registers. */
function registers(kernel: Kernel, tid: number): DataView<ArrayBuffer> {
  const bytes = new Uint8Array(1024);
  assertEquals(kernel.call.ft_get_regset(tid, NT_PRSTATUS, bytes, bytes.length), LAYOUT.bytes);
  return new DataView(bytes.buffer, 0, LAYOUT.bytes);
}

/** A word of a process's memory. */
function word(kernel: Kernel, pid: number, address: number): number {
  const bytes = new Uint8Array(8);
  assertEquals(kernel.call.ft_read_memory(pid, address, bytes, 8), 8);
  return Number(new DataView(bytes.buffer).getBigUint64(0, true));
}

/** Where a program in its exec stop finds an argument: the ABI puts argc and then argv at the stack pointer. */
function argument(kernel: Kernel, child: Child, index: number): number {
  const sp = Number(registers(kernel, child.pid).getBigUint64(LAYOUT.sp, true));
  return word(kernel, child.pid, sp + 8 * (1 + index));
}

Deno.test("ft_get_regset and ft_set_regset move registers", () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["/bin/true"]);
  const before = registers(kernel, child.pid);
  before.setBigUint64(LAYOUT.free, 0x1234_5678_9abcn, true);
  const bytes = new Uint8Array(before.buffer, 0, LAYOUT.bytes);
  assertEquals(kernel.call.ft_set_regset(child.pid, NT_PRSTATUS, bytes, bytes.length), 0);
  const after = registers(kernel, child.pid);
  assertEquals(after.getBigUint64(LAYOUT.free, true), 0x1234_5678_9abcn);
  assertEquals(after.getBigUint64(LAYOUT.pc, true), before.getBigUint64(LAYOUT.pc, true));
});

Deno.test("ft_get_regset fills what fits and refuses unknown notes and running threads", () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["/bin/sleep", "100"]);
  const bytes = new Uint8Array(1024);
  assertEquals(kernel.call.ft_get_regset(child.pid, NT_PRSTATUS, bytes, 16), 16);
  assertEquals(kernel.call.ft_get_regset(child.pid, 0x7777, bytes, bytes.length), k.EINVAL);
  kernel.call.ft_continue(child.pid, 0);
  assertEquals(kernel.call.ft_get_regset(child.pid, NT_PRSTATUS, bytes, bytes.length), k.ESRCH);
  assertEquals(kernel.call.ft_set_regset(child.pid, NT_PRSTATUS, bytes, LAYOUT.bytes), k.ESRCH);
});

Deno.test("ft_get_siginfo and ft_set_siginfo move what comes with a signal", () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["/bin/sleep", "100"]);
  kernel.call.ft_kill(child.pid, child.pid, k.SIGUSR1);
  child.resume();
  const info = new Int32Array(32);
  assertEquals(kernel.call.ft_get_siginfo(child.pid, new Uint8Array(info.buffer)), 0);
  /** si_signo, si_code (SI_TKILL), si_pid. */
  assertEquals([info[0], info[2], info[4]], [k.SIGUSR1, -6, Deno.pid]);
  info[4] = 4242;
  assertEquals(kernel.call.ft_set_siginfo(child.pid, new Uint8Array(info.buffer)), 0);
  info.fill(0);
  assertEquals(kernel.call.ft_get_siginfo(child.pid, new Uint8Array(info.buffer)), 0);
  assertEquals(info[4], 4242);
});

Deno.test("ft_read_memory reads what the program has", () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["/bin/echo", "first", "second"]);
  const sp = Number(registers(kernel, child.pid).getBigUint64(LAYOUT.sp, true));
  assertEquals(word(kernel, child.pid, sp), 3);
  const text = new Uint8Array(13);
  assertEquals(kernel.call.ft_read_memory(child.pid, argument(kernel, child, 1), text, 13), 13);
  assertEquals(new TextDecoder().decode(text), "first\0second\0");
});

Deno.test("ft_read_memory ends before the first page that cannot be read", () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["/bin/true"]);
  const sp = Number(registers(kernel, child.pid).getBigUint64(LAYOUT.sp, true));
  const all = new Uint8Array(1 << 20);
  const length = kernel.call.ft_read_memory(child.pid, sp, all, all.length);
  assert(length > 0 && length < all.length);
  assertEquals((sp + length) % 4096, 0);
  assertEquals(kernel.call.ft_read_memory(child.pid, sp + length, all, 8), k.EFAULT);
});

Deno.test("ft_read_memory() and its kin refuse bad addresses and sizes, and take empty buffers", () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["/bin/true"]);
  const bytes = new Uint8Array(8), nothing = new Uint8Array(0);
  assertEquals(kernel.call.ft_read_memory(child.pid, 0, bytes, 8), k.EFAULT);
  assertEquals(kernel.call.ft_write_memory(child.pid, 0, bytes, 8), k.EFAULT);
  for (const address of [NaN, -1, 2 ** 53, Infinity, 0.5]) {
    assertEquals(kernel.call.ft_read_memory(child.pid, address, bytes, 8), k.EINVAL);
    assertEquals(kernel.call.ft_write_memory(child.pid, address, bytes, 8), k.EINVAL);
    assertEquals(kernel.call.ft_poke(child.pid, address, bytes), k.EINVAL);
  }
  assertEquals(kernel.call.ft_read_memory(child.pid, 4096, bytes, 2 ** 31), k.EINVAL);
  assertEquals(kernel.call.ft_write_memory(child.pid, 4096, bytes, 2 ** 31), k.EINVAL);
  assertEquals(kernel.call.ft_read_memory(child.pid, 4096, nothing, 0), 0);
  assertEquals(kernel.call.ft_write_memory(child.pid, 4096, nothing, 0), 0);
  assertEquals(kernel.call.ft_poke(child.pid, 4096, nothing), k.EFAULT);
  assertEquals(kernel.call.ft_read_memory(2 ** 31 - 1, 4096, bytes, 8), k.ESRCH);
});

Deno.test("ft_write_memory, ft_poke and /proc/PID/mem change what the program sees", () => {
  using kernel = openKernel();
  using out = new MemoryFile(kernel);
  using child = new Child(kernel, ["/bin/echo", "aaaaaaaa", "bbbbbbbb", "cccccccc"], { files: [0, out.fd, 2] });
  const encode = (text: string) => new TextEncoder().encode(text);
  assertEquals(kernel.call.ft_write_memory(child.pid, argument(kernel, child, 1), encode("written!"), 8), 8);
  assertEquals(kernel.call.ft_poke(child.pid, argument(kernel, child, 2), encode("poked in")), 0);
  const memory = kernel.check(kernel.call.ft_open(cString(`/proc/${child.pid}/mem`), 1), "open", "memory");
  assertEquals(kernel.call.ft_pwrite(memory, argument(kernel, child, 3), encode("by file!"), 8), 8);
  assertEquals(kernel.call.ft_close(memory), 0);
  assertEquals(child.resume(), 0);
  assertEquals(out.text(), "written! poked in by file!\n");
});

Deno.test("/proc/PID/mem writes a trap into read-only text, and takes it out", () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["/bin/true"]);
  const entry = Number(registers(kernel, child.pid).getBigUint64(LAYOUT.pc, true));
  const trap = new Uint8Array(LAYOUT.trap), original = new Uint8Array(trap.length), seen = new Uint8Array(trap.length);
  assertEquals(kernel.call.ft_write_memory(child.pid, entry, trap, trap.length), k.EFAULT);
  const memory = kernel.check(kernel.call.ft_open(cString(`/proc/${child.pid}/mem`), 1), "open", "memory");
  assertEquals(kernel.call.ft_pread(memory, entry, original, original.length), original.length);
  assertNotEquals(original, trap);
  assertEquals(kernel.call.ft_pwrite(memory, entry, trap, trap.length), trap.length);
  assertEquals(kernel.call.ft_read_memory(child.pid, entry, seen, seen.length), seen.length);
  assertEquals(seen, trap);
  assertEquals(child.resume(), (k.SIGTRAP << 8) | 0x7f);
  const stopped = registers(kernel, child.pid);
  assertEquals(Number(stopped.getBigUint64(LAYOUT.pc, true)), entry + LAYOUT.skips);
  stopped.setBigUint64(LAYOUT.pc, BigInt(entry), true);
  kernel.call.ft_set_regset(child.pid, NT_PRSTATUS, new Uint8Array(stopped.buffer, 0, LAYOUT.bytes), LAYOUT.bytes);
  assertEquals(kernel.call.ft_pwrite(memory, entry, original, original.length), original.length);
  assertEquals(kernel.call.ft_close(memory), 0);
  assertEquals(child.resume(), 0);
});
