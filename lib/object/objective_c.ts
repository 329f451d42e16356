/**
 * The Objective-C methods that are defined in a file.
 *
 * *Problem.* GCC calls the function of a method `_i_Class_Category_with_parts_` (`_c_` for class methods), in which every
 * `:` of the selector has become `_`. `_i_Counter__number_of_` may be `number_of:`, `number:of:` or `number_of_` of
 * `Counter`, and the symbols are local: a stripped file does not have them.
 *
 * *Method.* What the program tells its run-time library when it starts is exact, and in the data of every file. Each
 * compiled source has a *module* there, which leads to its classes and categories, and these to lists of methods
 * (libobjc of GCC: module-abi-8.h and objc-private headers; 8-byte words, of which those marked * are addresses):
 *
 * | what | words |
 * | --- | --- |
 * | module | 8, 32, name*, symbols* |
 * | symbols | 0, selectors*, the numbers of classes and of categories (16 bits each), classes*..., categories*... |
 * | class | metaclass*, superclass*, name*, version, info, size, variables*, methods* |
 * | category | its name*, the class's name*, instance methods*, class methods* |
 * | list of methods | 0, their number (32 bits), for each: selector*, types*, function* |
 *
 * The methods of a metaclass are the class's own. A module is recognized by its first two words, the version of the
 * format and its own size, and by what it leads to.
 *
 * *Addresses.* They may be in the words, or in the relocations that add the load bias to them and nothing else.
 *
 * *Bounds.* A wrong lead ends where it leaves the file's data. A file defines at most {@linkcode MAX_METHOD_COUNT}
 * methods, in {@linkcode MAX_DATA_BYTES} of data.
 *
 * @module
 */

import { PF_W, PT_LOAD } from "./elf_constants.ts";
import type { ElfFile } from "./elf_file.ts";
import { getUint64, type Segment } from "./elf_headers.ts";
import { readRelativeWords } from "./relocations.ts";
import { StringTable } from "./string_table.ts";

const MAX_DATA_BYTES = 2 ** 28;
const MAX_METHOD_COUNT = 2 ** 18;
/** Nearly all names are shorter than the first; the longest one that is read has less than the last. */
const NAME_BYTES = [128, 1024];

const WORD_BYTES = 8;
/** The version of the format that GCC writes, and the size of a module. */
const MODULE_VERSION = 8;
const MODULE_BYTES = 32;
const METHOD_BYTES = 24;
/** `_CLS_CLASS` and `_CLS_META` of a class's info. */
const CLASS_INFO = 1;
const METACLASS_INFO = 2;

/** A method. */
export interface ObjectiveCMethod {
  /** Its class, with the category in parentheses if it has one: `Counter(Extra)`. */
  readonly className: string;
  /** `-` for an instance method or `+` for a class method, and its selector: `-add:to:`. */
  readonly name: string;
  /** The address of its function before relocation. */
  readonly vaddr: number;
}

/**
 * Reads the methods that a file defines.
 *
 * @param elf The file.
 * @returns The methods, module by module; none if it has no Objective-C.
 * @throws {DTraceError} `D_PROC_ELF` if the file is malformed.
 */
export function readObjectiveC(elf: ElfFile): ObjectiveCMethod[] {
  const data = new DataSegments(elf);
  const methods: ObjectiveCMethod[] = [];
  for (const symbols of data.modules()) readSymbols(data, symbols, methods);
  return methods;
}

function readSymbols(data: DataSegments, at: number, methods: ObjectiveCMethod[]): void {
  const counts = data.view(at + 16, 4);
  if (counts === undefined) return;
  const classCount = counts.getUint16(0, true);
  const categoryCount = counts.getUint16(2, true);
  for (let i = 0; i < classCount + categoryCount; i++) {
    const definition = data.address(at + 24 + i * WORD_BYTES);
    if (definition === undefined) return;
    if (i < classCount) readClass(data, definition, methods);
    else readCategory(data, definition, methods);
  }
}

function readClass(data: DataSegments, at: number, methods: ObjectiveCMethod[]): void {
  const metaclass = data.address(at);
  const className = data.text(at + 16);
  if (metaclass === undefined || className === undefined) return;
  // The upper bits are flags.
  if (((data.word(at + 32) ?? 0) & CLASS_INFO) === 0 || ((data.word(metaclass + 32) ?? 0) & METACLASS_INFO) === 0) {
    return;
  }
  readMethods(data, at + 56, { className, kind: "-" }, methods);
  readMethods(data, metaclass + 56, { className, kind: "+" }, methods);
}

function readCategory(data: DataSegments, at: number, methods: ObjectiveCMethod[]): void {
  const category = data.text(at);
  const owner = data.text(at + 8);
  if (category === undefined || owner === undefined) return;
  const className = `${owner}(${category})`;
  readMethods(data, at + 16, { className, kind: "-" }, methods);
  readMethods(data, at + 24, { className, kind: "+" }, methods);
}

/** Reads the list that a word leads to. */
function readMethods(
  data: DataSegments,
  at: number,
  { className, kind }: { className: string; kind: string },
  methods: ObjectiveCMethod[],
): void {
  const list = data.address(at);
  const count = list && data.view(list + 8, 4)?.getUint32(0, true);
  if (list === undefined || count === undefined) return;
  for (let i = 0; i < count && methods.length < MAX_METHOD_COUNT; i++) {
    const method = list + 16 + i * METHOD_BYTES;
    const selector = data.text(method);
    const vaddr = data.address(method + 16);
    if (selector === undefined || vaddr === undefined) return;
    if (data.isCode(vaddr)) methods.push({ className, name: kind + selector, vaddr });
  }
}

/** The words of a file's data, as they are when it is loaded without a load bias. */
class DataSegments {
  readonly #elf: ElfFile;
  readonly #segments: { readonly segment: Segment; readonly bytes: Uint8Array }[] = [];
  #relative: ReadonlyMap<number, number> | undefined;

  constructor(elf: ElfFile) {
    this.#elf = elf;
    for (const segment of elf.segments) {
      if (segment.type !== PT_LOAD || (segment.flags & PF_W) === 0) continue;
      this.#segments.push({ segment, bytes: elf.segmentBytes(segment, MAX_DATA_BYTES) });
    }
  }

  /** Where the symbols of each module are. */
  *modules(): Generator<number> {
    for (const { segment, bytes } of this.#segments) {
      // Of an aligned copy, halves can be compared at once.
      const halves = new Uint32Array(bytes.slice(0, bytes.length - bytes.length % WORD_BYTES).buffer);
      const first = segment.vaddr % WORD_BYTES === 0 ? 0 : -1;
      for (let i = first; i >= 0 && i + MODULE_BYTES / 4 <= halves.length; i += 2) {
        if (halves[i] !== MODULE_VERSION || halves[i + 2] !== MODULE_BYTES || halves[i + 1] !== 0) continue;
        const symbols = halves[i + 3] === 0 ? this.address(segment.vaddr + i * 4 + 24) : undefined;
        if (symbols !== undefined) yield symbols;
      }
    }
  }

  /** Some bytes of the data; undefined if they do not all lie in it. */
  view(vaddr: number, length: number): DataView | undefined {
    for (const { segment, bytes } of this.#segments) {
      const at = vaddr - segment.vaddr;
      if (at >= 0 && at + length <= bytes.length) return new DataView(bytes.buffer, bytes.byteOffset + at, length);
    }
    return undefined;
  }

  /** A word; undefined if it does not lie in the data. */
  word(vaddr: number): number | undefined {
    const view = this.view(vaddr, WORD_BYTES);
    return view && getUint64(view, 0);
  }

  /** The address in a word; undefined if there is none, or if the word does not lie in the data. */
  address(vaddr: number): number | undefined {
    const word = this.word(vaddr);
    if (word === undefined) return undefined;
    this.#relative ??= readRelativeWords(this.#elf);
    return this.#relative.get(vaddr) ?? (word === 0 ? undefined : word);
  }

  /** The text that a word leads to, which is in the file but need not be in the data; undefined if there is none. */
  text(vaddr: number): string | undefined {
    const offset = this.#elf.offsetOf(this.address(vaddr) ?? -1);
    if (offset === undefined) return undefined;
    const { reader } = this.#elf;
    for (const limit of NAME_BYTES) {
      const bytes = reader.bytes(offset, Math.min(limit, reader.sizeBytes - offset), "a name of Objective-C");
      if (!bytes.includes(0)) continue;
      const name = new StringTable(bytes).at(0);
      return /^[\x21-\x7e]+$/.test(name) ? name : undefined;
    }
    return undefined;
  }

  /** Whether an address is in the code. */
  isCode(vaddr: number): boolean {
    return this.#elf.executableSegments.some((it) => vaddr >= it.vaddr && vaddr < it.vaddr + it.fileBytes);
  }
}
