/**
 * Writes DTrace Object Format, as `dtrace -G` lays it out: strings, then for each provider its probes, argument maps,
 * offsets, is-enabled offsets, the provider itself, and the relocations of its probes.
 *
 * It serves programs that make DOF for others (a linker's input, a process's own probes) and tests of what reads it.
 * The tables of fields are those of `dof_header.ts`, `dof_probes.ts`, `dof_relocations.ts` and `dof.ts`.
 *
 * @module
 */

import { highHalf } from "../address.ts";
import type { DofAttributes } from "./dof.ts";
import { DOF_ATTRIBUTE_PARTS, type DofProvider } from "./dof.ts";
import {
  DOF_ENCODE_LSB,
  DOF_ENCODE_MSB,
  DOF_HEADER_BYTES,
  DOF_ID_DIFVERS,
  DOF_ID_ENCODING,
  DOF_ID_MODEL,
  DOF_ID_VERSION,
  DOF_MAGIC,
  DOF_MODEL_ILP32,
  DOF_MODEL_LP64,
  DOF_PROBE_BYTES,
  DOF_PROVIDER_BYTES,
  DOF_RELO_DOFREL,
  DOF_RELO_SETX,
  DOF_RELODESC_BYTES,
  DOF_RELOHDR_BYTES,
  DOF_SECF_LOAD,
  DOF_SECTION_BYTES,
  DOF_SECTION_TYPES,
  DOF_VERSION_1,
  type DofSectionType,
} from "./dof_constants.ts";
import type { DofProbe } from "./dof_probes.ts";

/** The version of D's instruction set that the format of today goes with. */
const DIF_VERSION = 2;

/** How to write DOF. */
export interface DofWriterOptions {
  /** The version of the format: 1, 2 or 3; 2 by default. The first has no is-enabled sites. */
  readonly version?: 1 | 2 | 3;
  /** The data model; 64 bits by default. */
  readonly bits?: 32 | 64;
  /** The byte order; little-endian by default. */
  readonly littleEndian?: boolean;
  /**
   * How addresses are moved when the object is loaded: `none`, by as much as the object, or as distances from the field,
   * for which `address` is needed. By default not at all.
   */
  readonly relocation?: "none" | "object" | "place";
  /** The address that the DOF will have before relocation, for `place`. */
  readonly address?: number;
}

/** A section to be written. */
interface Section {
  readonly type: DofSectionType;
  readonly align: number;
  readonly entryBytes: number;
  readonly bytes: Uint8Array;
}

/**
 * Writes DOF.
 *
 * @param providers The providers. The offsets of a probe's sites are counted from the lowest of them.
 * @param options How to write them.
 * @returns The DOF, whose size is a multiple of 8.
 * @throws {RangeError} If something does not fit: sites of one probe that are 2 GiB from each other, more than 255
 *   arguments, more than 65,535 sites, is-enabled sites in version 1, or a probe without a site.
 */
export function writeDof(providers: readonly DofProvider[], options: DofWriterOptions = {}): Uint8Array<ArrayBuffer> {
  return new DofWriter(options).write(providers);
}

class DofWriter {
  readonly #version: number;
  readonly #bits: number;
  readonly #littleEndian: boolean;
  readonly #relocation: "none" | "object" | "place";
  readonly #address: number;
  readonly #sections: Section[] = [];
  /** The first string is empty, so that index 0 is no name. */
  readonly #strings = [0];
  readonly #indices = new Map<string, number>();

  constructor({ version = 2, bits = 64, littleEndian = true, relocation = "none", address = 0 }: DofWriterOptions) {
    this.#version = version;
    this.#bits = bits;
    this.#littleEndian = littleEndian;
    this.#relocation = relocation;
    this.#address = address;
  }

  write(providers: readonly DofProvider[]): Uint8Array<ArrayBuffer> {
    // Section 0 cannot be that of the is-enabled offsets: there it means none. Its size is known at the end.
    this.#add("STRTAB", 1, 0, new Uint8Array(0));
    const placed: { probes: readonly DofProbe[]; section: number }[] = [];
    for (const provider of providers) placed.push({ probes: provider.probes, section: this.#addProvider(provider) });
    if (this.#relocation !== "none") {
      for (const { probes, section } of placed) {
        this.#addRelocations(probes, section);
      }
    }
    this.#sections[0] = { ...this.#sections[0]!, bytes: Uint8Array.from(this.#strings) };
    return this.#layOut(placed);
  }

  /** Adds the sections of a provider; returns the index of that of its probes. */
  #addProvider(provider: DofProvider): number {
    const isFirst = this.#version === DOF_VERSION_1;
    const probeBytes = isFirst ? DOF_PROBE_BYTES.first : DOF_PROBE_BYTES.later;
    const probes = this.#view(probeBytes * provider.probes.length);
    const [maps, offsets, enabledOffsets]: number[][] = [[], [], []];
    provider.probes.forEach((probe, index) => {
      this.#writeProbe(probes, index * probeBytes, probe, { maps: maps!, offsets: offsets!, enabled: enabledOffsets! });
    });
    const view = this.#view(isFirst ? DOF_PROVIDER_BYTES.first : DOF_PROVIDER_BYTES.later);
    const section = this.#add("PROBES", 8, probeBytes, bytesOf(probes));
    this.#set32(view, 4, section);
    this.#set32(view, 8, this.#add("PRARGS", 1, 1, Uint8Array.from(maps!)));
    this.#set32(view, 12, this.#add("PROFFS", 4, 4, this.#words(offsets!)));
    if (enabledOffsets!.length > 0) {
      this.#set32(view, 40, this.#add("PRENOFFS", 4, 4, this.#words(enabledOffsets!)));
    }
    this.#set32(view, 16, this.#string(provider.name));
    DOF_ATTRIBUTE_PARTS.forEach((part, index) =>
      this.#set32(view, 20 + 4 * index, packAttributes(provider.attributes[part]))
    );
    this.#add("PROVIDER", 4, 0, bytesOf(view));
    return section;
  }

  #writeProbe(
    view: DataView,
    at: number,
    probe: DofProbe,
    tables: { readonly maps: number[]; readonly offsets: number[]; readonly enabled: number[] },
  ): void {
    const { sites, enabledSites, nativeTypes, translatedTypes, argumentMap } = probe;
    if (Math.max(nativeTypes.length, translatedTypes.length) > 0xff || argumentMap.length !== translatedTypes.length) {
      throw new RangeError(`Cannot write probe "${probe.name}": its arguments do not fit`);
    }
    if (Math.max(sites.length, enabledSites.length) > 0xffff) {
      throw new RangeError(`Cannot write probe "${probe.name}": it has too many sites`);
    }
    if (this.#version === DOF_VERSION_1 && enabledSites.length > 0) {
      throw new RangeError(`Cannot write probe "${probe.name}": version 1 has no is-enabled sites`);
    }
    const base = baseOf(probe);
    const fields = [
      ...[this.#string(probe.function), this.#string(probe.name)],
      ...[this.#stringList(nativeTypes), this.#stringList(translatedTypes)],
      ...[tables.maps.length, tables.offsets.length],
    ];
    fields.forEach((field, index) => this.#set32(view, at + 8 + 4 * index, field));
    view.setUint8(at + 32, nativeTypes.length);
    view.setUint8(at + 33, translatedTypes.length);
    view.setUint16(at + 34, sites.length, this.#littleEndian);
    if (this.#version !== DOF_VERSION_1) {
      this.#set32(view, at + 36, tables.enabled.length);
      view.setUint16(at + 40, enabledSites.length, this.#littleEndian);
    }
    tables.maps.push(...argumentMap);
    tables.offsets.push(...sites.map((site) => site - base));
    tables.enabled.push(...enabledSites.map((site) => site - base));
    this.#set64(view, at, base);
  }

  #addRelocations(probes: readonly DofProbe[], target: number): void {
    const table = this.#view(DOF_RELODESC_BYTES * probes.length);
    const probeBytes = this.#sections[target]!.entryBytes;
    probes.forEach((probe, index) => {
      this.#set32(table, DOF_RELODESC_BYTES * index, this.#string(probe.function));
      const type = this.#relocation === "object" ? DOF_RELO_SETX : DOF_RELO_DOFREL;
      this.#set32(table, DOF_RELODESC_BYTES * index + 4, type);
      this.#set64(table, DOF_RELODESC_BYTES * index + 8, probeBytes * index);
    });
    const header = this.#view(DOF_RELOHDR_BYTES);
    this.#set32(header, 4, this.#add("RELTAB", 8, DOF_RELODESC_BYTES, bytesOf(table)));
    this.#set32(header, 8, target);
    this.#add("URELHDR", 4, 0, bytesOf(header));
  }

  /** Puts header, section headers and contents behind each other. */
  #layOut(placed: readonly { readonly probes: readonly DofProbe[]; readonly section: number }[]) {
    let end = DOF_HEADER_BYTES + DOF_SECTION_BYTES * this.#sections.length;
    const offsets = this.#sections.map(({ align, bytes }) => {
      const offset = Math.ceil(end / align) * align;
      end = offset + bytes.length;
      return offset;
    });
    const view = this.#view(Math.ceil(end / 8) * 8);
    const file = new Uint8Array(view.buffer);
    this.#writeHeader(view);
    this.#sections.forEach(({ type, align, entryBytes, bytes }, index) => {
      const at = DOF_HEADER_BYTES + DOF_SECTION_BYTES * index;
      const fields = [DOF_SECTION_TYPES.indexOf(type), align, DOF_SECF_LOAD, entryBytes];
      fields.forEach((field, place) => this.#set32(view, at + 4 * place, field));
      this.#set64(view, at + 16, offsets[index]!);
      this.#set64(view, at + 24, bytes.length);
      file.set(bytes, offsets[index]);
    });
    if (this.#relocation !== "place") return file;
    for (const { probes, section } of placed) {
      probes.forEach((probe, index) => {
        const at = offsets[section]! + this.#sections[section]!.entryBytes * index;
        this.#set64(view, at, baseOf(probe) - this.#address - at);
      });
    }
    return file;
  }

  #writeHeader(view: DataView): void {
    DOF_MAGIC.forEach((byte, index) => view.setUint8(index, byte));
    view.setUint8(DOF_ID_MODEL, this.#bits === 32 ? DOF_MODEL_ILP32 : DOF_MODEL_LP64);
    view.setUint8(DOF_ID_ENCODING, this.#littleEndian ? DOF_ENCODE_LSB : DOF_ENCODE_MSB);
    view.setUint8(DOF_ID_VERSION, this.#version);
    view.setUint8(DOF_ID_DIFVERS, DIF_VERSION);
    const fields = [0, DOF_HEADER_BYTES, DOF_SECTION_BYTES, this.#sections.length];
    fields.forEach((field, index) => this.#set32(view, 16 + 4 * index, field));
    this.#set64(view, 32, DOF_HEADER_BYTES);
    this.#set64(view, 40, view.byteLength);
    this.#set64(view, 48, view.byteLength);
  }

  #add(type: DofSectionType, align: number, entryBytes: number, bytes: Uint8Array): number {
    return this.#sections.push({ type, align, entryBytes, bytes }) - 1;
  }

  #string(text: string): number {
    let index = this.#indices.get(text);
    if (index === undefined) {
      index = this.#strings.length;
      this.#indices.set(text, index);
      for (const byte of new TextEncoder().encode(`${text}\0`)) this.#strings.push(byte);
    }
    return index;
  }

  /** Strings behind each other; the place of the first. */
  #stringList(texts: readonly string[]): number {
    if (texts.length === 0) return 0;
    const index = this.#strings.length;
    for (const byte of new TextEncoder().encode(`${texts.join("\0")}\0`)) this.#strings.push(byte);
    return index;
  }

  #view(sizeBytes: number): DataView<ArrayBuffer> {
    return new DataView(new ArrayBuffer(sizeBytes));
  }

  #words(values: readonly number[]): Uint8Array {
    const view = this.#view(4 * values.length);
    values.forEach((value, index) => {
      if (value !== (value | 0)) throw new RangeError(`Cannot write an offset of ${value} bytes: it is too far`);
      view.setInt32(4 * index, value, this.#littleEndian);
    });
    return bytesOf(view);
  }

  #set32(view: DataView, at: number, value: number): void {
    view.setUint32(at, value, this.#littleEndian);
  }

  /** Writes a signed number as 64 bits. */
  #set64(view: DataView, at: number, value: number): void {
    this.#set32(view, this.#littleEndian ? at : at + 4, value >>> 0);
    this.#set32(view, this.#littleEndian ? at + 4 : at, highHalf(value) >>> 0);
  }
}

function baseOf({ name, sites, enabledSites }: DofProbe): number {
  const all = [...sites, ...enabledSites];
  if (all.length === 0) throw new RangeError(`Cannot write probe "${name}": it has no site`);
  return all.reduce((lowest, site) => Math.min(lowest, site));
}

function packAttributes(attributes: DofAttributes): number {
  return (attributes.name << 24 | attributes.data << 16 | attributes.class << 8) >>> 0;
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
