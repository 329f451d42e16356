/**
 * Archives of files as the kernel unpacks them when it starts (Documentation/driver-api/early-userspace/buffer-format.rst).
 *
 * @module
 */

const encoder = new TextEncoder();
const FILE = 0o100_755;
const FOLDER = 0o040_755;
const ALIGNMENT = 4;

/** An archive that is being written. */
export class Archive {
  readonly #parts: Uint8Array<ArrayBuffer>[] = [];
  readonly #folders = new Set<string>();

  /**
   * Adds a file, and the folders that it is in.
   *
   * @param path Its path, from the root.
   * @param bytes Its contents.
   */
  add(path: string, bytes: Uint8Array<ArrayBuffer>): void {
    this.addFolder(path.replace(/\/[^/]*$/, ""));
    this.#entry(path.slice(1), FILE, bytes);
  }

  /**
   * Adds a folder, and those that it is in.
   *
   * @param path Its path, from the root.
   */
  addFolder(path: string): void {
    if (path === "" || this.#folders.has(path)) return;
    this.addFolder(path.replace(/\/[^/]*$/, ""));
    this.#folders.add(path);
    this.#entry(path.slice(1), FOLDER, new Uint8Array());
  }

  /**
   * Adds a file, or all that is in a folder.
   *
   * @param path Where it is to be.
   * @param source Where it is here.
   */
  async copy(path: string, source: string): Promise<void> {
    if ((await Deno.stat(source)).isFile) return this.add(path, await Deno.readFile(source));
    for await (const { name } of Deno.readDir(source)) await this.copy(`${path}/${name}`, `${source}/${name}`);
  }

  /** Ends the archive, and gives its bytes. */
  finish(): Blob {
    this.#entry("TRAILER!!!", 0, new Uint8Array());
    return new Blob(this.#parts);
  }

  #entry(name: string, mode: number, bytes: Uint8Array<ArrayBuffer>): void {
    const numbers = [this.#parts.length + 1, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length + 1, 0];
    const fields = numbers.map((number) => number.toString(16).padStart(8, "0"));
    this.#push(encoder.encode(`070701${fields.join("")}${name}\0`));
    this.#push(bytes);
  }

  #push(bytes: Uint8Array<ArrayBuffer>): void {
    this.#parts.push(bytes, new Uint8Array(-bytes.length & (ALIGNMENT - 1)));
  }
}
