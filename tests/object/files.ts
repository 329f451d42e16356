/**
 * Files for the tests of object files: counted reading, compiled targets, what `readelf` says of them.
 *
 * @module
 */

import type { ByteSource } from "../../lib/object/byte_source.ts";
import { ElfFile } from "../../lib/object/elf_file.ts";

const TARGETS = new URL("../../build/targets/", import.meta.url);

/** A file that is read by ranges, counting the bytes. */
export class CountingFile implements ByteSource {
  /** The file's size in bytes. */
  readonly sizeBytes: number;
  /** How many bytes were read so far. */
  readBytes = 0;
  readonly #path: string;

  /**
   * Looks at a file.
   *
   * @param path Its path.
   */
  constructor(path: string) {
    this.#path = path;
    this.sizeBytes = Deno.statSync(path).size;
  }

  /** Reads a range. */
  read(offset: number, length: number): Uint8Array {
    using file = Deno.openSync(this.#path);
    file.seekSync(offset, Deno.SeekMode.Start);
    const bytes = new Uint8Array(length);
    let end = 0;
    for (let count: number | null = 0; count !== null && end < length; end += count ?? 0) {
      count = file.readSync(bytes.subarray(end));
    }
    this.readBytes += end;
    return bytes.subarray(0, end);
  }
}

/**
 * Tells where a compiled target is.
 *
 * @param name The name of its source in tests/targets, without extension.
 * @returns Its path, as /proc has it.
 */
export function target(name: string): string {
  return Deno.realPathSync(new URL(name, TARGETS));
}

/**
 * Opens an ELF file.
 *
 * @param path Its path.
 * @returns The file.
 */
export function openFile(path: string): ElfFile {
  return new ElfFile(new CountingFile(path), { name: path });
}

/**
 * Runs a command that must succeed.
 *
 * @param command The command.
 * @param args Its arguments.
 * @returns What it prints.
 */
export function run(command: string, ...args: string[]): string {
  const { success, stdout, stderr } = new Deno.Command(command, { args }).outputSync();
  if (!success) throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Whether a file exists. */
export function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** A function as `readelf` tells it. */
export interface ReadelfFunction {
  name: string;
  vaddr: number;
  sizeBytes: number;
  ifunc: boolean;
  binding: string;
}

/**
 * Asks `readelf` for the defined functions of a file.
 *
 * @param path The file.
 * @param option Which tables: `--syms` or `--dyn-syms`.
 * @returns Its functions in the order of the tables; names without version.
 */
export function readelfFunctions(path: string, option = "--syms"): ReadelfFunction[] {
  const line = /^ *\d+: ([0-9a-f]+) +(\d+|0x[0-9a-f]+) (FUNC|IFUNC) +(\w+) +\w+ +(?:\[.*?\] +)?(\d+|ABS) +(\S+)/;
  return run("readelf", option, "-W", path).split("\n").flatMap((text) => {
    const [, vaddr = "", sizeBytes = "", type, binding = "", , name = ""] = line.exec(text) ?? [];
    if (type === undefined) return [];
    return {
      name: name.replace(/(?<=.)@.*$/, ""),
      vaddr: parseInt(vaddr, 16),
      sizeBytes: Number(sizeBytes),
      ifunc: type === "IFUNC",
      binding: binding.toLowerCase(),
    };
  });
}
