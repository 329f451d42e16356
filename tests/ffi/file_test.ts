import { assert, assertEquals } from "@std/assert";
import { cString, openKernel } from "../../ffi/ffi.ts";
import * as k from "./child.ts";
import { MemoryFile, names, readText } from "./child.ts";

const HERE = new URL("./", import.meta.url).pathname;

Deno.test("ft_pread and ft_pwrite move ranges of a file", () => {
  using kernel = openKernel();
  using file = new MemoryFile(kernel);
  const bytes = new Uint8Array(6);
  assertEquals(kernel.call.ft_pwrite(file.fd, 3, new TextEncoder().encode("abcdef"), 6), 6);
  assertEquals(kernel.call.ft_pread(file.fd, 5, bytes, 6), 4);
  assertEquals(new TextDecoder().decode(bytes), "cdef\0\0");
  assertEquals(kernel.call.ft_pread(file.fd, 100, bytes, 6), 0);
  assertEquals(file.text(), "\0\0\0abcdef");
});

Deno.test("ft_pread and ft_pwrite refuse bad descriptors, offsets and sizes, and take empty buffers", () => {
  using kernel = openKernel();
  using file = new MemoryFile(kernel);
  const bytes = new Uint8Array(8), nothing = new Uint8Array(0);
  assertEquals(kernel.call.ft_pread(-1, 0, bytes, 8), k.EBADF);
  assertEquals(kernel.call.ft_pwrite(-1, 0, bytes, 8), k.EBADF);
  for (const offset of [NaN, -1, 2 ** 53, 1.5]) {
    assertEquals(kernel.call.ft_pread(file.fd, offset, bytes, 8), k.EINVAL);
    assertEquals(kernel.call.ft_pwrite(file.fd, offset, bytes, 8), k.EINVAL);
  }
  assertEquals(kernel.call.ft_pread(file.fd, 0, bytes, 2 ** 31), k.EINVAL);
  assertEquals(kernel.call.ft_pwrite(file.fd, 0, bytes, 2 ** 31), k.EINVAL);
  assertEquals(kernel.call.ft_pread(file.fd, 0, nothing, 0), 0);
  assertEquals(kernel.call.ft_pwrite(file.fd, 0, nothing, 0), 0);
  assertEquals(kernel.call.ft_close(9999), k.EBADF);
});

Deno.test("ft_open opens for reading, or for both", () => {
  using kernel = openKernel();
  const path = Deno.makeTempFileSync();
  try {
    const bytes = new TextEncoder().encode("text");
    const reader = kernel.check(kernel.call.ft_open(cString(path), 0), "open", path);
    const writer = kernel.check(kernel.call.ft_open(cString(path), 1), "open", path);
    assertEquals(kernel.call.ft_pwrite(reader, 0, bytes, 4), k.EBADF);
    assertEquals(kernel.call.ft_pwrite(writer, 0, bytes, 4), 4);
    assertEquals(Deno.readTextFileSync(path), "text");
    for (const fd of [reader, writer]) assertEquals(kernel.call.ft_close(fd), 0);
    assertEquals(kernel.call.ft_open(cString("/nonexistent"), 0), k.ENOENT);
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("ft_read_file reads files whose size is not known, up to the buffer's", () => {
  using kernel = openKernel();
  assertEquals(readText(kernel, "/proc/self/stat").split(" ")[0], String(Deno.pid));
  const bytes = new Uint8Array(4);
  assertEquals(kernel.call.ft_read_file(cString("/proc/self/maps"), bytes, 4), 4);
  assertEquals(kernel.call.ft_read_file(cString("/proc/self/maps"), new Uint8Array(0), 0), 0);
  assertEquals(kernel.call.ft_read_file(cString("/proc/self/nothing"), bytes, 4), k.ENOENT);
  assertEquals(kernel.call.ft_read_file(cString("/proc/self"), bytes, 4), -21);
});

Deno.test("ft_read_link reads where a link leads", () => {
  using kernel = openKernel();
  const bytes = new Uint8Array(4096);
  const length = kernel.call.ft_read_link(cString("/proc/self/exe"), bytes, bytes.length);
  assertEquals(new TextDecoder().decode(bytes.subarray(0, length)), Deno.execPath());
  assertEquals(kernel.call.ft_read_link(cString("/proc/self/exe"), bytes, 3), 3);
  assertEquals(kernel.call.ft_read_link(cString("/etc/passwd"), bytes, bytes.length), k.EINVAL);
});

Deno.test("ft_list_directory lists all names, or says that they do not fit", () => {
  using kernel = openKernel();
  for (const path of [HERE, "/usr/bin", "/proc/self/fd"]) {
    const bytes = new Uint8Array(1 << 20);
    const length = kernel.call.ft_list_directory(cString(path), bytes, bytes.length);
    assert(length > 0);
    assertEquals(kernel.call.ft_list_directory(cString(path), bytes, length), length);
    assertEquals(kernel.call.ft_list_directory(cString(path), bytes, length - 1), k.ENOSPC);
    assertEquals(kernel.call.ft_list_directory(cString(path), new Uint8Array(0), 0), k.ENOSPC);
  }
  assertEquals(names(kernel, HERE), [...Deno.readDirSync(HERE)].map((entry) => entry.name).sort());
  assertEquals(kernel.call.ft_list_directory(cString("/etc/passwd"), new Uint8Array(9), 9), k.ENOTDIR);
});

Deno.test("ft_stat and ft_executable tell what Deno tells", () => {
  using kernel = openKernel();
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(path, "12345");
    const values = new Float64Array(7);
    assertEquals(kernel.call.ft_stat(cString(path), values), 0);
    const expected = Deno.statSync(path);
    const [mode, size, device, inode, modified = 0, uid, gid] = values;
    assertEquals([mode, size, device, inode], [expected.mode, 5, expected.dev, expected.ino]);
    assertEquals([uid, gid], [expected.uid, expected.gid]);
    assertEquals(Math.trunc(modified / 1e6), expected.mtime?.getTime());
    assertEquals(kernel.call.ft_executable(cString(path)), k.EACCES);
    Deno.chmodSync(path, 0o755);
    assertEquals(kernel.call.ft_executable(cString(path)), 0);
    assertEquals(kernel.call.ft_stat(cString("/nonexistent"), values), k.ENOENT);
    assertEquals(kernel.call.ft_stat(cString(path), new Float64Array(0)), k.EFAULT);
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("ft_environment tells our own environment", () => {
  using kernel = openKernel();
  const bytes = new Uint8Array(1 << 20);
  const length = kernel.call.ft_environment(bytes, bytes.length);
  const entries = new TextDecoder().decode(bytes.subarray(0, length)).split("\0").slice(0, -1).sort();
  assertEquals(entries, Object.entries(Deno.env.toObject()).map(([name, value]) => `${name}=${value}`).sort());
  assertEquals(kernel.call.ft_environment(bytes, length), length);
  assertEquals(kernel.call.ft_environment(bytes, length - 1), k.ENOSPC);
});

Deno.test("ft_map shows a descriptor's contents, writable if asked", () => {
  using kernel = openKernel();
  using file = new MemoryFile(kernel);
  kernel.call.ft_pwrite(file.fd, 4095, new Uint8Array([7]), 1);
  const address = kernel.call.ft_map(file.fd, 0, 4096, 1);
  assert(address > 0 && Number.isSafeInteger(address));
  const pointer = Deno.UnsafePointer.create(BigInt(address));
  assert(pointer !== null);
  const view = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, 4096));
  assertEquals(view[4095], 7);
  view[0] = 42;
  const first = new Uint8Array(1);
  kernel.call.ft_pread(file.fd, 0, first, 1);
  assertEquals(first[0], 42);
  const readOnly = kernel.call.ft_map(file.fd, 0, 4096, 0);
  const permissions = new RegExp(`^${readOnly.toString(16)}-\\w+ r--s`, "m");
  assert(permissions.test(readMaps(kernel)));
  for (const mapped of [address, readOnly]) assertEquals(kernel.call.ft_unmap(mapped, 4096), 0);
});

/** Our own mappings; they may be more than {@linkcode readText} takes. */
function readMaps(kernel: ReturnType<typeof openKernel>): string {
  const bytes = new Uint8Array(1 << 22);
  const length = kernel.call.ft_read_file(cString("/proc/self/maps"), bytes, bytes.length);
  return new TextDecoder().decode(bytes.subarray(0, length));
}

Deno.test("ft_map and ft_unmap refuse what is no mapping", () => {
  using kernel = openKernel();
  using file = new MemoryFile(kernel);
  assertEquals(kernel.call.ft_map(-1, 0, 4096, 0), k.EBADF);
  assertEquals(kernel.call.ft_map(file.fd, 1, 4096, 0), k.EINVAL);
  assertEquals(kernel.call.ft_map(file.fd, 0, 0, 0), k.EINVAL);
  assertEquals(kernel.call.ft_map(file.fd, NaN, 4096, 0), k.EINVAL);
  assertEquals(kernel.call.ft_unmap(1, 4096), k.EINVAL);
  assertEquals(kernel.call.ft_unmap(-1, 4096), k.EINVAL);
});

Deno.test("ft_clock_ns rises by the time that passes", () => {
  using kernel = openKernel();
  const host = performance.now(), before = kernel.call.ft_clock_ns();
  assert(before > 0);
  while (performance.now() - host < 5);
  const passed = kernel.call.ft_clock_ns() - before;
  assert(passed >= 4e6 && passed < 5e9);
});
