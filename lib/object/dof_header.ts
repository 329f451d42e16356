/**
 * The header of DTrace Object Format, and the headers of its sections.
 *
 * | bytes | field | |
 * | ---: | --- | --- |
 * | 0-3 | magic | 7f "DOF" |
 * | 4 | model | 1 for 32 bits, 2 for 64 |
 * | 5 | encoding | 1 for little-endian, 2 for big-endian |
 * | 6 | version | 1, 2 or 3 |
 * | 7-9 | of D's instruction set: version, numbers of integer and of tuple registers |
 * | 10-15 | 0 | |
 * | 16-19 | flags | 0 |
 * | 20-23 | size of this header | 64 |
 * | 24-27 | size of a section header | 32 |
 * | 28-31 | number of sections | |
 * | 32-39 | where the section headers are | multiple of 8 |
 * | 40-47 | how many bytes the kernel loads | |
 * | 48-55 | how many bytes there are | |
 * | 56-63 | 0 | |
 *
 * A section header:
 *
 * | bytes | field |
 * | ---: | --- |
 * | 0-3 | type |
 * | 4-7 | alignment, a power of 2 |
 * | 8-11 | flags; 1: the kernel loads it |
 * | 12-15 | size of an entry, if it is an array |
 * | 16-23 | where it is |
 * | 24-31 | its size |
 *
 * *Versions.* The second added is-enabled sites. The third has two meanings: Oracle's differs from the second in how an
 * is-enabled site answers, Apple writes nothing else and counts addresses from the DOF. The layout is the same.
 *
 * @module
 */

import {
  DOF_ENCODE_LSB,
  DOF_ENCODE_MSB,
  DOF_HEADER_BYTES,
  DOF_ID_DIFIREG,
  DOF_ID_DIFTREG,
  DOF_ID_DIFVERS,
  DOF_ID_ENCODING,
  DOF_ID_MODEL,
  DOF_ID_PAD,
  DOF_ID_SIZE,
  DOF_ID_VERSION,
  DOF_MAGIC,
  DOF_MODEL_ILP32,
  DOF_MODEL_LP64,
  DOF_SECF_LOAD,
  DOF_SECTION_BYTES,
  DOF_SECTION_TYPES,
  DOF_VERSION_1,
  DOF_VERSION_3,
  type DofSectionType,
} from "./dof_constants.ts";
import { type DofReader, MAX_DOF_BYTES } from "./dof_reader.ts";

/** What the header says. */
export interface DofHeader {
  /** The version of the format: 1, 2 or 3. */
  readonly version: number;
  /** The data model. */
  readonly bits: 32 | 64;
  /** The byte order. */
  readonly littleEndian: boolean;
  /** The version of D's instruction set. */
  readonly difVersion: number;
  /** The numbers of integer and of tuple registers. */
  readonly difRegisters: readonly [integers: number, tuples: number];
  /** How many bytes of it the kernel loads. */
  readonly loadBytes: number;
  /** How many bytes it has. */
  readonly fileBytes: number;
}

/** A section. */
export interface DofSection {
  /** Its index, by which others refer to it. */
  readonly index: number;
  /** Its type; undefined if the number is none that is known. */
  readonly type: DofSectionType | undefined;
  /** The number of its type. */
  readonly typeNumber: number;
  /** Its alignment in bytes. */
  readonly align: number;
  /** Its flags. */
  readonly flags: number;
  /** The size of an entry in bytes, 0 if it is no array. */
  readonly entryBytes: number;
  /** Where it is, in bytes from the beginning. */
  readonly offset: number;
  /** Its size in bytes. */
  readonly sizeBytes: number;
}

/** Types that need not be loaded; their contents are not looked at. */
const NOT_LOADED: readonly (DofSectionType | undefined)[] = [undefined, "NONE", "COMMENTS", "SOURCE", "UTSNAME"];

/**
 * Tells whether bytes begin as DOF does.
 *
 * @param bytes The bytes.
 * @returns Whether they do.
 */
export function isDof(bytes: Uint8Array): boolean {
  return DOF_MAGIC.every((byte, index) => bytes[index] === byte);
}

/** Options of {@linkcode readDofHeader}. */
export interface DofHeaderOptions {
  /** Whether the reader has the whole DOF, as by default, or its beginning. */
  readonly isWhole?: boolean;
}

/**
 * Reads the header, and sets the reader's byte order.
 *
 * @param reader The DOF.
 * @param options How much of it there is.
 * @returns What it says.
 * @throws {DTraceError} `D_DOF_SHORT`, `D_DOF_LARGE`, `D_DOF_MAGIC`, `D_DOF_MODEL`, `D_DOF_ENCODING`, `D_DOF_VERSION`,
 *   `D_DOF_PADDING`, `D_DOF_FLAGS`, `D_DOF_HDRSIZE`, `D_DOF_LOADSZ` or `D_DOF_FILESZ` if a field is wrong.
 */
export function readDofHeader(reader: DofReader, { isWhole = true }: DofHeaderOptions = {}): DofHeader {
  const { sizeBytes } = reader;
  if (sizeBytes < DOF_HEADER_BYTES) reader.fail("D_DOF_SHORT", `it has ${sizeBytes} bytes, less than a header`);
  if (!DOF_MAGIC.every((byte, index) => reader.uint8(index) === byte)) {
    reader.fail("D_DOF_MAGIC", "it does not begin as DOF does");
  }
  const model = reader.uint8(DOF_ID_MODEL);
  const encoding = reader.uint8(DOF_ID_ENCODING);
  const version = reader.uint8(DOF_ID_VERSION);
  if (model !== DOF_MODEL_ILP32 && model !== DOF_MODEL_LP64) {
    reader.fail("D_DOF_MODEL", `there is no data model ${model}`);
  }
  if (encoding !== DOF_ENCODE_LSB && encoding !== DOF_ENCODE_MSB) {
    reader.fail("D_DOF_ENCODING", `there is no byte order ${encoding}`);
  }
  if (version < DOF_VERSION_1 || version > DOF_VERSION_3) {
    reader.fail("D_DOF_VERSION", `version ${version} is not known`);
  }
  for (let at = DOF_ID_PAD; at < DOF_ID_SIZE; at++) {
    if (reader.uint8(at) !== 0) reader.fail("D_DOF_PADDING", `its byte ${at} is not 0`);
  }
  reader.littleEndian = encoding === DOF_ENCODE_LSB;
  const flags = reader.uint32(16);
  if (flags !== 0) reader.fail("D_DOF_FLAGS", `its flags are 0x${flags.toString(16)}, of which none is known`);
  const headerBytes = reader.uint32(20);
  if (headerBytes !== DOF_HEADER_BYTES) reader.fail("D_DOF_HDRSIZE", `its header has ${headerBytes} bytes`);
  return {
    version,
    bits: model === DOF_MODEL_ILP32 ? 32 : 64,
    littleEndian: reader.littleEndian,
    difVersion: reader.uint8(DOF_ID_DIFVERS),
    difRegisters: [reader.uint8(DOF_ID_DIFIREG), reader.uint8(DOF_ID_DIFTREG)],
    ...readSizes(reader, isWhole),
  };
}

function readSizes(reader: DofReader, isWhole: boolean): { loadBytes: number; fileBytes: number } {
  const loadBytes = reader.uint64(40);
  const fileBytes = reader.uint64(48);
  if (fileBytes > MAX_DOF_BYTES) {
    reader.fail("D_DOF_LARGE", `it has ${fileBytes} bytes, more than ${MAX_DOF_BYTES}`);
  }
  if (fileBytes < DOF_HEADER_BYTES || (isWhole && fileBytes > reader.sizeBytes)) {
    reader.fail("D_DOF_FILESZ", `it says that it has ${fileBytes} bytes, of ${reader.sizeBytes}`);
  }
  if (loadBytes < DOF_HEADER_BYTES || loadBytes > fileBytes) {
    reader.fail("D_DOF_LOADSZ", `${loadBytes} bytes of ${fileBytes} are to be loaded`);
  }
  return { loadBytes, fileBytes };
}

/**
 * Reads the headers of the sections.
 *
 * @param reader The DOF.
 * @param header Its header.
 * @returns The sections. What is loaded lies inside of what is loaded, aligned.
 * @throws {DTraceError} `D_DOF_SECSIZE`, `D_DOF_SECOFF`, `D_DOF_SECFLAGS`, `D_DOF_SECALIGN`, `D_DOF_SECRANGE` or
 *   `D_DOF_STRTAB` if a field is wrong.
 */
export function readDofSections(reader: DofReader, header: DofHeader): DofSection[] {
  const entryBytes = reader.uint32(24);
  const count = reader.uint32(28);
  const start = reader.uint64(32);
  if (entryBytes < DOF_SECTION_BYTES || entryBytes % 8 !== 0) {
    reader.fail("D_DOF_SECSIZE", `its section headers have ${entryBytes} bytes`);
  }
  if (start % 8 !== 0 || start + count * entryBytes > header.loadBytes) {
    reader.fail("D_DOF_SECOFF", `its ${count} section headers are at ${start} of ${header.loadBytes} bytes`);
  }
  return Array.from({ length: count }, (_, index) => {
    const section = parseSection(reader, start + index * entryBytes, index);
    checkSection(reader, header, section);
    return section;
  });
}

function parseSection(reader: DofReader, at: number, index: number): DofSection {
  const typeNumber = reader.uint32(at);
  return {
    index,
    type: DOF_SECTION_TYPES[typeNumber],
    typeNumber,
    align: reader.uint32(at + 4),
    flags: reader.uint32(at + 8),
    entryBytes: reader.uint32(at + 12),
    offset: reader.uint64(at + 16),
    sizeBytes: reader.uint64(at + 24),
  };
}

function checkSection(reader: DofReader, { loadBytes }: DofHeader, section: DofSection): void {
  const { index, type, align, flags, offset, sizeBytes } = section;
  if ((flags & DOF_SECF_LOAD) === 0) {
    if (NOT_LOADED.includes(type)) return;
    reader.fail("D_DOF_SECFLAGS", `its section ${index}, ${type}, is not to be loaded`);
  }
  // A power of 2 has no bit in common with its predecessor.
  if (align === 0 || (align & (align - 1)) !== 0 || offset % align !== 0) {
    reader.fail("D_DOF_SECALIGN", `its section ${index} is at ${offset}, aligned to ${align} bytes`);
  }
  if (!(offset + sizeBytes <= loadBytes)) {
    reader.fail("D_DOF_SECRANGE", `its section ${index} has ${sizeBytes} bytes at ${offset} of ${loadBytes}`);
  }
  if (type === "STRTAB" && (sizeBytes === 0 || reader.uint8(offset + sizeBytes - 1) !== 0)) {
    reader.fail("D_DOF_STRTAB", `its section ${index} is a string table that does not end with a NUL`);
  }
}

/**
 * Finds a section that another one refers to.
 *
 * @param reader The DOF, for messages.
 * @param sections Its sections.
 * @param index The reference; any number.
 * @param type What it has to be.
 * @returns The section, which is loaded.
 * @throws {DTraceError} `D_DOF_SECIDX` if there is none, `D_DOF_SECTYPE` if it is of another type.
 */
export function linkedSection(
  reader: DofReader,
  sections: readonly DofSection[],
  index: number,
  type: DofSectionType,
): DofSection {
  const section = sections[index];
  if (section === undefined) {
    reader.fail("D_DOF_SECIDX", `it refers to section ${index} of ${sections.length}`);
  }
  if (section.type !== type) {
    const found = section.type ?? `of type ${section.typeNumber}`;
    reader.fail("D_DOF_SECTYPE", `it refers to section ${index}, which is ${found}, and should be ${type}`);
  }
  return section;
}
