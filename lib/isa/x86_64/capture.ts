/**
 * The part of a pad that copies strings and bytes into its record.
 *
 * *Problem.* An argument may point anywhere, and a read must not fault: the program would die of it, or be stopped. Nor may it
 * cost what asking the kernel costs each time, or touch a register that is not saved.
 *
 * *Method.* Before a page is read it has to be known that it can be:
 *
 * ```text
 *   page:   addresses of no program, and the first page, are not read
 *           mov alive,%edx: without a tracer nothing is read; if it is distrusted: verify
 *           cmp %rax,pages(area,page modulo 4096): is the page one of those that could be read? else: verify
 *   ok:     copy up to the end of the page, of the string, or of what is wanted; with more to copy: page
 *   verify: rt_sigprocmask(-1, the page, 0, 8), which copies 8 bytes from there before it sees that -1 is wrong
 *           EINVAL: note the page; ok    EFAULT: end
 *   end:    write down how much was copied
 * ```
 *
 * A system call costs some 130 ns, one that finds no memory 800 ns, the table 2 ns. What is in the table may have been unmapped
 * since. Then the read does fault, as it does if another thread unmaps the page just now; the tracer sees that first, and sends
 * the thread on to `end` ({@linkcode PadCode.readers}).
 *
 * A pointer on the way is read as a value into the record, from where it goes on; what cannot be read is 0, which leads nowhere.
 *
 * Words of 8 bytes never cross a page: those at its end are read byte by byte. A zero byte is found by `(x - 0x0101...) & ~x
 * & 0x8080...`, whose lowest bit is exact.
 *
 * *Invariants.*
 * - The system call changes nothing but rax, rcx and r11. The address it is given is that of a page that a program can have, so
 *   that it is no strange one to the kernel either.
 * - What is written stays inside of the record, whatever is read.
 *
 * @module
 */

import { assert } from "../../errors.ts";
import { isOfArgument, type PlacedCapture, pointersOf } from "../captures.ts";
import type { CaptureMemory, ReadPoint } from "../jumps.ts";
import type { SlotCode } from "./slot_code.ts";

/** The opcodes of short branches. */
const JMP = 0xeb;
const JB = 0x72;
const JAE = 0x73;
const JE = 0x74;
const JNE = 0x75;
const JS = 0x78;

/** Where in a record the value of an argument is, in bytes. */
const VALUES_OFFSET = 16;

/** Places in the code that branches lead to, before or behind them. */
class Labels {
  readonly #out: SlotCode;
  readonly #places = new Map<string, number>();
  readonly #waiting: { readonly at: number; readonly name: string; readonly bytes: 1 | 4 }[] = [];

  constructor(out: SlotCode) {
    this.#out = out;
  }

  mark(name: string): void {
    this.#places.set(name, this.#out.length);
  }

  /** Writes a short branch. */
  branch(opcode: number, name: string): void {
    this.#out.bytes(opcode, 0);
    this.#waiting.push({ at: this.#out.length, name, bytes: 1 });
  }

  /** Writes a branch that leads farther. */
  branchFar(opcode: number, name: string): void {
    this.#out.bytes(0x0f, opcode + 0x10);
    this.#out.half(0);
    this.#waiting.push({ at: this.#out.length, name, bytes: 4 });
  }

  /** How far a place before the next byte is from behind as many bytes. */
  distanceTo(name: string, bytes: number): number {
    return this.#places.get(name)! - (this.#out.length + bytes);
  }

  /** Fills in where the branches lead. */
  finish(): void {
    for (const { at, name, bytes } of this.#waiting) {
      const distance = this.#places.get(name)! - at;
      if (bytes === 4) {
        this.#out.patchHalf(at - 4, distance);
      } else {
        assert(distance >= -128 && distance < 128, "a short branch reaches its target");
        this.#out.patch(at - 1, distance);
      }
    }
  }
}

/** With what memory of the program is read. */
export interface ReadCode {
  /** What pads need to know that memory can be read; undefined only where nothing is read. */
  readonly memory: CaptureMemory | undefined;
  /** Where on the stack the address of the CPU's area is, in bytes; less than 128. */
  readonly areaSlot: number;
}

/**
 * Writes the code that copies a string, bytes or a part of the stack. The record is at rbx; rax, rcx, rdx, rsi, rdi and r8 to r11
 * are changed.
 *
 * @param place What, and where in the record.
 * @param stackBytes How far the program's stack pointer is above ours, in bytes.
 * @param read With what.
 * @param out Receives the code.
 * @returns The instructions that read memory of the program.
 */
export function appendCopy(
  { capture, offsetBytes, dataBytes, sizeBytes }: PlacedCapture,
  stackBytes: number,
  read: ReadCode,
  out: SlotCode,
): ReadPoint[] {
  const labels = new Labels(out);
  const isString = capture.kind === "string";
  const limit = dataBytes + sizeBytes;
  const pointerReaders: ReadPoint[] = [];
  if (isOfArgument(capture)) {
    out.bytes(0x4c, 0x8b, 0x83); // mov value(%rbx),%r8
    out.half(VALUES_OFFSET + 8 * capture.argument);
    for (const pointer of pointersOf(capture)) {
      appendOffset(pointer, out);
      pointerReaders.push(...appendRead(dataBytes - 8, 8, read, out));
      out.bytes(0x4c, 0x8b, 0x83); // mov pointer(%rbx),%r8
      out.half(dataBytes - 8);
    }
    appendOffset(capture.offsetBytes ?? 0, out);
  } else {
    out.bytes(0x4c, 0x8d, 0x84, 0x24); // lea bytes(%rsp),%r8
    out.half(stackBytes);
  }
  out.bytes(0x4c, 0x8d, 0x8b); // lea data(%rbx),%r9
  out.half(dataBytes);
  const readers = appendPages(isString, limit, "end", { read, labels, out });
  if (isString) {
    labels.mark("nul");
    // bsf %rdx,%rdx; shr $3,%edx; lea 1(%r9,%rdx),%r9
    out.bytes(0x48, 0x0f, 0xbc, 0xd2, 0xc1, 0xea, 3, 0x4d, 0x8d, 0x4c, 0x11, 1);
  }
  labels.mark("end");
  const target = out.length;
  out.bytes(0x41, 0x29, 0xd9, 0x41, 0x81, 0xe9); // sub %ebx,%r9d; sub $data,%r9d
  out.half(dataBytes);
  out.bytes(0x44, 0x89, 0x8b); // mov %r9d,length(%rbx)
  out.half(offsetBytes);
  labels.finish();
  return [...pointerReaders, ...readers.map((offset) => ({ offset, target }))];
}

function appendOffset(bytes: number, out: SlotCode): void {
  if (bytes === 0) return;
  out.bytes(0x49, 0x81, 0xc0); // add $bytes,%r8
  out.half(bytes);
}

/**
 * Writes the code that copies a value of a few bytes, which is 0 if it cannot be read. Its address is in r8, the record at rbx;
 * rax, rcx, rdx, rsi, rdi and r8 to r11 are changed.
 *
 * @param offsetBytes Where in the record it is to be.
 * @param sizeBytes Its size, from 1 to 8.
 * @param read With what.
 * @param out Receives the code.
 * @returns The instructions that read memory of the program.
 */
export function appendRead(offsetBytes: number, sizeBytes: number, read: ReadCode, out: SlotCode): ReadPoint[] {
  const labels = new Labels(out);
  out.bytes(0x48, 0xc7, 0x83); // movq $0,value(%rbx)
  out.half(offsetBytes);
  out.half(0);
  out.bytes(0x4c, 0x8d, 0x8b); // lea value(%rbx),%r9
  out.half(offsetBytes);
  const readers = appendPages(false, offsetBytes + sizeBytes, "done", { read, labels, out });
  labels.mark("end");
  const target = out.length;
  // What crosses into a page that is not there is not had in part.
  out.bytes(0x48, 0xc7, 0x83); // movq $0,value(%rbx)
  out.half(offsetBytes);
  out.half(0);
  labels.mark("done");
  labels.finish();
  return readers.map((offset) => ({ offset, target }));
}

/** Where the parts of the code belong. */
interface Parts {
  readonly read: ReadCode;
  readonly labels: Labels;
  readonly out: SlotCode;
}

/**
 * Writes the code that copies from r8 to r9, page by page, up to a place in the record. It ends at the label that is given when
 * all is copied, a string's at `nul` or `end`, and at `end` when a page cannot be read. Returns where memory is read.
 */
function appendPages(isString: boolean, limit: number, done: string, { read, labels, out }: Parts): number[] {
  const { memory, areaSlot } = read;
  assert(memory !== undefined, "there is memory for what is read");
  appendPageTest(memory, areaSlot, labels, out);
  labels.mark("ok");
  out.bytes(0x44, 0x89, 0xc1, 0x81, 0xc9); // mov %r8d,%ecx; or $-4096,%ecx
  out.half(-4096);
  out.bytes(0xf7, 0xd9, 0x48, 0x8d, 0x83); // neg %ecx; lea limit(%rbx),%rax
  out.half(limit);
  out.bytes(0x4c, 0x29, 0xc8, 0x39, 0xc8, 0x0f, 0x42, 0xc8); // sub %r9,%rax; cmp %ecx,%eax; cmovb %eax,%ecx
  if (isString) appendMagic(out);
  const readers = appendLoops(isString, labels, out);
  labels.mark("more");
  out.bytes(0x48, 0x8d, 0x83); // lea limit(%rbx),%rax
  out.half(limit);
  out.bytes(0x4c, 0x39, 0xc8); // cmp %r9,%rax
  labels.branchFar(JNE, "page");
  labels.branch(JMP, done);
  appendVerification(memory, areaSlot, labels, out);
  return readers;
}

/**
 * Writes the loops that copy as many bytes as rcx says from r8 to r9: words, and then bytes. They end at `more`, a string's at
 * `nul` or `end`. Returns where memory of the program is read.
 */
function appendLoops(isString: boolean, labels: Labels, out: SlotCode): number[] {
  out.bytes(0x83, 0xe9, 8); // sub $8,%ecx
  labels.branch(JB, "tail");
  labels.mark("word");
  const word = out.length;
  out.bytes(0x49, 0x8b, 0x00, 0x49, 0x89, 0x01); // mov (%r8),%rax; mov %rax,(%r9)
  if (isString) {
    out.bytes(0x48, 0x89, 0xc2, 0x4c, 0x29, 0xd2, 0x48, 0xf7, 0xd0); // mov %rax,%rdx; sub %r10,%rdx; not %rax
    out.bytes(0x48, 0x21, 0xc2, 0x4c, 0x21, 0xda); // and %rax,%rdx; and %r11,%rdx
    labels.branchFar(JNE, "nul");
  }
  out.bytes(0x49, 0x83, 0xc0, 8, 0x49, 0x83, 0xc1, 8, 0x83, 0xe9, 8); // add $8,%r8; add $8,%r9; sub $8,%ecx
  labels.branch(JAE, "word");
  labels.mark("tail");
  out.bytes(0x83, 0xc1, 8); // add $8,%ecx
  labels.branch(JE, "more");
  labels.mark("byte");
  const byte = out.length;
  out.bytes(0x41, 0x0f, 0xb6, 0x00, 0x41, 0x88, 0x01); // movzbl (%r8),%eax; mov %al,(%r9)
  out.bytes(0x49, 0xff, 0xc0, 0x49, 0xff, 0xc1); // inc %r8; inc %r9
  if (isString) {
    out.bytes(0x84, 0xc0); // test %al,%al
    labels.branchFar(JE, "end");
  }
  out.bytes(0xff, 0xc9); // dec %ecx
  labels.branch(JNE, "byte");
  return [word, byte];
}

/** Goes on if the page of r8 can be read, as far as is known, with rax as its number; else to `verify` or `end`. */
function appendPageTest(memory: CaptureMemory, areaSlot: number, labels: Labels, out: SlotCode): void {
  labels.mark("page");
  out.bytes(0x4c, 0x89, 0xc0, 0x48, 0xc1, 0xe8, 47); // mov %r8,%rax; shr $47,%rax
  labels.branchFar(JNE, "end");
  out.bytes(0x4c, 0x89, 0xc0, 0x48, 0xc1, 0xe8, 12); // mov %r8,%rax; shr $12,%rax
  labels.branchFar(JE, "end");
  out.bytes(0x48, 0xba); // movabs $alive,%rdx
  out.word(memory.alive);
  out.bytes(0x8b, 0x12, 0x01, 0xd2); // mov (%rdx),%edx; add %edx,%edx
  labels.branchFar(JS, "end");
  labels.branchFar(JB, "verify");
  appendPageIndex(memory, areaSlot, out);
  out.bytes(0x48, 0x39, 0x84, 0xd1); // cmp %rax,pages(%rcx,%rdx,8)
  out.half(memory.pagesOffset);
  labels.branchFar(JNE, "verify");
}

/** Has the area in rcx, and in rdx the index of the page that is in rax. */
function appendPageIndex({ pagesTotal }: CaptureMemory, areaSlot: number, out: SlotCode): void {
  out.bytes(0x48, 0x8b, 0x4c, 0x24, areaSlot); // mov area(%rsp),%rcx
  out.bytes(0x89, 0xc2, 0x81, 0xe2); // mov %eax,%edx; and $mask,%edx
  out.half(pagesTotal - 1);
}

function appendMagic(out: SlotCode): void {
  out.bytes(0x49, 0xba); // movabs $0x0101010101010101,%r10
  out.half(0x01010101);
  out.half(0x01010101);
  out.bytes(0x49, 0xbb); // movabs $0x8080808080808080,%r11
  out.half(0x80808080);
  out.half(0x80808080);
}

/** Asks the kernel whether the page of r8 can be read, and notes it if it can. */
function appendVerification(memory: CaptureMemory, areaSlot: number, labels: Labels, out: SlotCode): void {
  labels.mark("verify");
  out.bytes(0x4c, 0x89, 0xc6, 0x48, 0x81, 0xe6); // mov %r8,%rsi; and $-4096,%rsi
  out.half(-4096);
  out.bytes(0xbf); // mov $-1,%edi
  out.half(-1);
  out.bytes(0x31, 0xd2, 0x41, 0xba); // xor %edx,%edx; mov $8,%r10d
  out.half(8);
  out.bytes(0xb8); // mov $14,%eax: rt_sigprocmask
  out.half(14);
  out.bytes(0x0f, 0x05, 0x83, 0xf8, -22); // syscall; cmp $-EINVAL,%eax
  labels.branch(JNE, "end");
  out.bytes(0x4c, 0x89, 0xc0, 0x48, 0xc1, 0xe8, 12); // mov %r8,%rax; shr $12,%rax
  appendPageIndex(memory, areaSlot, out);
  out.bytes(0x48, 0x89, 0x84, 0xd1); // mov %rax,pages(%rcx,%rdx,8)
  out.half(memory.pagesOffset);
  out.bytes(0xe9); // jmp ok
  out.half(labels.distanceTo("ok", 4));
}
