/**
 * How to find the caller of a function that was interrupted anywhere: call frame information.
 *
 * *Problem.* A function that keeps no frame pointer leaves no trace of where its caller is. Compilers describe it: for each
 * instruction, where the stack pointer was before the call (the *canonical frame address*, CFA), and where the registers
 * that must be kept have been put, the return address among them.
 *
 * *Method.* DWARF 5, section 6.4, in the form of `.eh_frame` (Linux Standard Base, "DWARF Extensions"): a description of a
 * function is a program, which is run up to the instruction. It begins with that of its *common information*, which also
 * says which register holds the return address, and whether the function is what the kernel returns to from a signal.
 *
 * *Trust.* All of it may be garbage. It is read within its bounds, loops over it end, and what is not understood is no rule.
 *
 * @module
 */

import { FrameCursor } from "./frame_cursor.ts";
import { type FrameEntry, type FrameSearch, lastNotBehind, type LoadedBytes } from "./frame_search.ts";

/** The registers that are followed; those of vectors are above. */
export const FOLLOWED_REGISTERS = 34;
/** A description that is longer is not believed. */
const DESCRIPTION_BYTES_MAX = 1 << 20;
/** How deep states are remembered. */
const STATES_MAX = 64;
const EXTENDED_LENGTH = 0xffffffff;

/** Where the caller's value of a register is. */
export type RegisterRule =
  /** It is not kept. */
  | { readonly kind: "undefined" }
  /** In memory, so many bytes behind the CFA. */
  | { readonly kind: "offset"; readonly value: number }
  /** It is the CFA and so many bytes. */
  | { readonly kind: "value-offset"; readonly value: number }
  /** In another register. */
  | { readonly kind: "register"; readonly value: number }
  /** In memory where an expression says. */
  | { readonly kind: "expression"; readonly expression: FrameCursor }
  /** It is what an expression says. */
  | { readonly kind: "value-expression"; readonly expression: FrameCursor };

/** What the CFA is. */
export type CfaRule =
  | { readonly register: number; readonly offset: number }
  | { readonly expression: FrameCursor };

/** What is known of the frame of an instruction. */
export interface FrameRow {
  readonly cfa: CfaRule;
  /** The registers that are not as they were, by their numbers. */
  readonly rules: ReadonlyMap<number, RegisterRule>;
  /** The register that the return address is found by. */
  readonly returnRegister: number;
  /** Whether the kernel has called it for a signal, so that it returns to any instruction. */
  readonly isSignal: boolean;
}

interface Common {
  readonly codeAlignment: number;
  readonly dataAlignment: number;
  readonly returnRegister: number;
  readonly isSignal: boolean;
  readonly hasAugmentation: boolean;
  readonly encoding: number;
  readonly instructions: FrameCursor;
}

/**
 * Finds what is known of the frame of an instruction.
 *
 * @param bytes What is loaded.
 * @param search Finds the functions of its module.
 * @param pc The instruction; any number.
 * @returns What is known; undefined if that is nothing.
 */
export function frameRowAt(bytes: LoadedBytes, search: FrameSearch, pc: number): FrameRow | undefined {
  const entry = search(pc);
  const description = entry && recordAt(bytes, entry.descriptionAt);
  if (entry === undefined || description === undefined) return undefined;
  const idAt = description.address;
  const common = readCommon(bytes, idAt - description.u32());
  if (common === undefined) return undefined;
  const start = description.pointer(common.encoding);
  // The size has the same format, and is relative to nothing.
  const size = description.pointer(common.encoding & 0x0f);
  if (common.hasAugmentation) description.bytes(description.uleb());
  if (description.failed || start !== entry.start || pc >= start + size) return undefined;
  const { returnRegister, isSignal } = common;
  const machine = new Machine(common, start, pc);
  if (!machine.run(common.instructions)) return undefined;
  machine.initialRules = new Map(machine.rules);
  if (!machine.run(description) || machine.cfa === undefined) return undefined;
  return { cfa: machine.cfa, rules: machine.rules, returnRegister, isSignal };
}

/**
 * Finds all functions that descriptions are about, where no table tells.
 *
 * @param bytes What is loaded.
 * @param start Where the descriptions begin.
 * @param end Where they end.
 * @returns Finds them; up to a record that is garbage.
 */
export function indexFrames(bytes: LoadedBytes, start: number, end: number): FrameSearch {
  const entries: FrameEntry[] = [];
  const encodings = new Map<number, number | undefined>();
  for (let at = start; at < end;) {
    const record = recordAt(bytes, at);
    if (record === undefined) break;
    const idAt = record.address;
    const id = record.u32();
    if (id !== 0) {
      if (!encodings.has(idAt - id)) encodings.set(idAt - id, readCommon(bytes, idAt - id)?.encoding);
      const encoding = encodings.get(idAt - id);
      if (encoding !== undefined) entries.push({ start: record.pointer(encoding), descriptionAt: at });
    }
    at = idAt + record.end;
  }
  entries.sort((first, second) => first.start - second.start);
  return (address) => entries[lastNotBehind(address, entries.length, (index) => entries[index]!.start)];
}

/** What follows the length of a record. */
function recordAt(bytes: LoadedBytes, address: number): FrameCursor | undefined {
  let length = bytes.view(address, 4)?.getUint32(0, true);
  let begin = address + 4;
  if (length === EXTENDED_LENGTH) {
    length = bytes.view(begin, 4)?.getUint32(0, true);
    begin += 8;
  }
  if (length === undefined || length === 0 || length > DESCRIPTION_BYTES_MAX) return undefined;
  const view = bytes.view(begin, length);
  return view && new FrameCursor(view, begin);
}

function readCommon(bytes: LoadedBytes, address: number): Common | undefined {
  const record = recordAt(bytes, address);
  if (record === undefined || record.u32() !== 0) return undefined;
  const version = record.u8();
  if (version !== 1 && version !== 3 && version !== 4) return undefined;
  let augmentation = "";
  for (let byte; (byte = record.u8()) !== 0;) augmentation += String.fromCharCode(byte);
  // The sizes of addresses and of segments.
  if (version === 4) record.bytes(2);
  const codeAlignment = record.uleb();
  const dataAlignment = record.sleb();
  const returnRegister = version === 1 ? record.u8() : record.uleb();
  const hasAugmentation = augmentation.startsWith("z");
  if (augmentation !== "" && !hasAugmentation) return undefined;
  const data = record.bytes(hasAugmentation ? record.uleb() : 0);
  let encoding = 0;
  for (const letter of augmentation.slice(1)) {
    if (letter === "R") encoding = data.u8();
    else if (letter === "P") data.pointer(data.u8());
    else if (letter === "L") data.u8();
    // S: a signal's frame; B: signed with the other key; G: tagged memory.
    else if (!"SBG".includes(letter)) return undefined;
  }
  if (record.failed || returnRegister >= FOLLOWED_REGISTERS) return undefined;
  return {
    codeAlignment,
    dataAlignment,
    returnRegister,
    isSignal: augmentation.includes("S"),
    hasAugmentation,
    encoding,
    instructions: record.bytes(record.end - record.offset),
  };
}

/** Runs the instructions of a description (DWARF 5, section 6.4.2 and 7.24). */
class Machine {
  cfa: CfaRule | undefined;
  rules = new Map<number, RegisterRule>();
  /** Those that the common information has left. */
  initialRules = new Map<number, RegisterRule>();
  readonly #common: Common;
  readonly #pc: number;
  readonly #states: { readonly cfa: CfaRule | undefined; readonly rules: Map<number, RegisterRule> }[] = [];
  #location: number;

  constructor(common: Common, start: number, pc: number) {
    this.#common = common;
    this.#location = start;
    this.#pc = pc;
  }

  /** Runs up to the instruction. Returns whether all was understood. */
  run(code: FrameCursor): boolean {
    while (code.more) {
      const byte = code.u8();
      const operand = byte & 0x3f;
      if (byte >> 6 === 1) {
        if (this.#advance(operand)) return true;
      } else if (byte >> 6 === 2) this.#keep(operand, code.uleb() * this.#common.dataAlignment);
      else if (byte >> 6 === 3) this.#restore(operand);
      else if (byte >= 0x01 && byte <= 0x04) {
        if (this.#locate(byte, code)) return !code.failed;
      } else if (!this.#define(byte, code) && !this.#set(byte, code)) return false;
    }
    return !code.failed;
  }

  #advance(delta: number): boolean {
    this.#location += delta * this.#common.codeAlignment;
    return this.#location > this.#pc;
  }

  /** `set_loc`, `advance_loc1`, 2 and 4. */
  #locate(byte: number, code: FrameCursor): boolean {
    if (byte !== 0x01) return this.#advance(byte === 0x02 ? code.u8() : byte === 0x03 ? code.u16() : code.u32());
    this.#location = code.pointer(this.#common.encoding);
    return this.#location > this.#pc;
  }

  /** The instructions about the CFA and states. Returns whether it was one. */
  #define(byte: number, code: FrameCursor): boolean {
    const { dataAlignment } = this.#common;
    const known = this.cfa !== undefined && "register" in this.cfa ? this.cfa : { register: 0, offset: 0 };
    switch (byte) {
      case 0x00: // nop
        return true;
      case 0x0a: // remember_state
        if (this.#states.length < STATES_MAX) this.#states.push({ cfa: this.cfa, rules: new Map(this.rules) });
        return true;
      case 0x0b: { // restore_state
        const state = this.#states.pop();
        if (state !== undefined) ({ cfa: this.cfa, rules: this.rules } = state);
        return state !== undefined;
      }
      case 0x0c: // def_cfa
        this.cfa = { register: code.uleb(), offset: code.uleb() };
        return true;
      case 0x0d: // def_cfa_register
        this.cfa = { register: code.uleb(), offset: known.offset };
        return true;
      case 0x0e: // def_cfa_offset
        this.cfa = { register: known.register, offset: code.uleb() };
        return true;
      case 0x0f: // def_cfa_expression
        this.cfa = { expression: code.bytes(code.uleb()) };
        return true;
      case 0x12: // def_cfa_sf
        this.cfa = { register: code.uleb(), offset: code.sleb() * dataAlignment };
        return true;
      case 0x13: // def_cfa_offset_sf
        this.cfa = { register: known.register, offset: code.sleb() * dataAlignment };
        return true;
      case 0x2d: // AARCH64_negate_ra_state: addresses are taken without their signature always
        return true;
      case 0x2e: // GNU_args_size: is about exceptions
        code.uleb();
        return true;
      default:
        return false;
    }
  }

  /** The instructions about registers. Returns whether it was one. */
  #set(byte: number, code: FrameCursor): boolean {
    const { dataAlignment } = this.#common;
    const register = code.uleb();
    switch (byte) {
      case 0x05: // offset_extended
        this.#keep(register, code.uleb() * dataAlignment);
        return true;
      case 0x06: // restore_extended
        this.#restore(register);
        return true;
      case 0x07: // undefined
        this.rules.set(register, { kind: "undefined" });
        return true;
      case 0x08: // same_value
        this.rules.delete(register);
        return true;
      case 0x09: // register
        this.rules.set(register, { kind: "register", value: code.uleb() });
        return true;
      case 0x10: // expression
        this.rules.set(register, { kind: "expression", expression: code.bytes(code.uleb()) });
        return true;
      case 0x11: // offset_extended_sf
        this.#keep(register, code.sleb() * dataAlignment);
        return true;
      case 0x14: // val_offset
        this.rules.set(register, { kind: "value-offset", value: code.uleb() * dataAlignment });
        return true;
      case 0x15: // val_offset_sf
        this.rules.set(register, { kind: "value-offset", value: code.sleb() * dataAlignment });
        return true;
      case 0x16: // val_expression
        this.rules.set(register, { kind: "value-expression", expression: code.bytes(code.uleb()) });
        return true;
      case 0x2f: // GNU_negative_offset_extended
        this.#keep(register, -code.uleb() * dataAlignment);
        return true;
      default:
        return false;
    }
  }

  #keep(register: number, offset: number): void {
    this.rules.set(register, { kind: "offset", value: offset });
  }

  #restore(register: number): void {
    const initial = this.initialRules.get(register);
    if (initial === undefined) this.rules.delete(register);
    else this.rules.set(register, initial);
  }
}
