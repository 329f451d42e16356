/**
 * Reads call frame information, which is untrusted: what is not there reads as 0, and is remembered.
 *
 * @module
 */

const HALF = 2 ** 32;
/** More bytes than a number of 64 bits has. */
const LEB_BYTES_MAX = 10;

/** The encoding of a pointer that is relative to where it stands. */
const PC_RELATIVE = 0x10;

/** A place in bytes that are loaded at an address. */
export class FrameCursor {
  /** Whether something was read that is not there, or that nobody knows. */
  failed = false;
  /** Where it stands, in bytes from the beginning. */
  offset: number;
  /** Where the bytes end that it may read. */
  readonly end: number;
  readonly #view: DataView;
  readonly #address: number;

  /**
   * Makes a cursor.
   *
   * @param view The bytes.
   * @param address Where they are loaded.
   * @param offset Where to stand first.
   * @param end Where to end; at the end of the bytes by default.
   */
  constructor(view: DataView, address: number, offset: number = 0, end: number = view.byteLength) {
    this.#view = view;
    this.#address = address;
    this.offset = offset;
    this.end = end;
  }

  /** Whether there is more to read. */
  get more(): boolean {
    return !this.failed && this.offset < this.end;
  }

  /** The address of where it stands. */
  get address(): number {
    return this.#address + this.offset;
  }

  /** Reads a byte. */
  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : this.#view.getUint8(at);
  }

  /** Reads a signed byte. */
  s8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : this.#view.getInt8(at);
  }

  /** Reads two bytes. */
  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#view.getUint16(at, true);
  }

  /** Reads two signed bytes. */
  s16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#view.getInt16(at, true);
  }

  /** Reads four bytes. */
  u32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#view.getUint32(at, true);
  }

  /** Reads four signed bytes. */
  s32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#view.getInt32(at, true);
  }

  /** Reads eight bytes; exact up to 2^53. */
  u64(): number {
    const low = this.u32();
    return this.u32() * HALF + low;
  }

  /** Reads eight signed bytes; exact up to 2^53 either way. */
  s64(): number {
    const low = this.u32();
    return this.s32() * HALF + low;
  }

  /** Reads a number of variable length; exact up to 2^53. */
  uleb(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < LEB_BYTES_MAX; count++, factor *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    this.failed = true;
    return 0;
  }

  /** Reads a signed number of variable length; exact up to 2^53 either way. */
  sleb(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < LEB_BYTES_MAX; count++) {
      const byte = this.u8();
      value += (byte & 0x7f) * factor;
      factor *= 128;
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - factor;
    }
    this.failed = true;
    return 0;
  }

  /**
   * Reads a pointer.
   *
   * @param encoding How it is written (Linux Standard Base, "DWARF Exception Header Encoding"). What is relative to anything but its place, or leads to the pointer, is not known.
   */
  pointer(encoding: number): number {
    const base = this.address;
    const value = this.#formatted(encoding & 0x0f);
    const relation = encoding & 0xf0;
    if (relation !== 0 && relation !== PC_RELATIVE) this.failed = true;
    return relation === PC_RELATIVE ? base + value : value;
  }

  /** Passes over bytes and views them. */
  bytes(length: number): FrameCursor {
    const at = this.#take(length);
    return at < 0
      ? new FrameCursor(this.#view, this.#address, 0, 0)
      : new FrameCursor(this.#view, this.#address, at, at + length);
  }

  /** The same bytes again, from the beginning that this one had when it was made by {@linkcode FrameCursor.bytes}. */
  copy(): FrameCursor {
    return new FrameCursor(this.#view, this.#address, this.offset, this.end);
  }

  /** Reads a number in a format of "DWARF Exception Header Encoding". */
  #formatted(format: number): number {
    switch (format) {
      case 0x00: // absptr
      case 0x04: // udata8
        return this.u64();
      case 0x01: // uleb128
        return this.uleb();
      case 0x02: // udata2
        return this.u16();
      case 0x03: // udata4
        return this.u32();
      case 0x09: // sleb128
        return this.sleb();
      case 0x0a: // sdata2
        return this.s16();
      case 0x0b: // sdata4
        return this.s32();
      case 0x0c: // sdata8
        return this.s64();
      default:
        this.failed = true;
        return 0;
    }
  }

  /** Where the next bytes begin; -1 if they are not all there. */
  #take(length: number): number {
    const at = this.offset;
    if (at + length > this.end) {
      this.failed = true;
      this.offset = this.end;
      return -1;
    }
    this.offset = at + length;
    return at;
  }
}
