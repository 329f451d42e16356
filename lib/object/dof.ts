/**
 * DTrace Object Format: how a program tells DTrace of its static probes.
 *
 * The format is a header, sections, and in the sections tables that refer to each other by number. Sections of the type
 * `PROVIDER` name the sections of their probes; what programs in D compile to (actions) has other types, which are
 * listed and not read.
 *
 * | bytes of a provider | field |
 * | ---: | --- |
 * | 0-3 ... 12-15 | the sections of the strings, probes, argument maps and offsets |
 * | 16-19 | its name, in the strings |
 * | 20-23 ... 36-39 | attributes of provider, module, function, name and arguments |
 * | 40-43 | from version 2 on: the section of the is-enabled offsets; 0 or all ones if there is none |
 *
 * *Errors.* A header, a section, a relocation or a probe that is wrong makes the whole DOF useless, and is an error with
 * a tag. A provider whose name is wrong, or a probe without a site, is left out with a problem: so do the kernels.
 *
 * *Bounds.* DOF has 8 MiB at most. Strings are decoded once and take at most 4 bytes for each byte of DOF; all tables
 * together have at most 4 entries for each, however often they are referred to. Hostile DOF thus takes no more memory
 * than 64 times its size, and time in proportion to it.
 *
 * @module
 */

import { DOF_PROVIDER_BYTES, DOF_SECIDX_NONE, DOF_VERSION_1 } from "./dof_constants.ts";
import { type DofHeader, type DofSection, linkedSection, readDofHeader, readDofSections } from "./dof_header.ts";
import { type DofContext, type DofProbe, type DofProviderParts, noteProblem, readDofProbes } from "./dof_probes.ts";
import { type DofProblem, DofReader } from "./dof_reader.ts";
import { readDofRelocations } from "./dof_relocations.ts";

/** What other people's names can be in a probe description, which colons, blanks and globs cannot. */
const PROVIDER_NAME = /^[A-Za-z_][\w.-]*$/;

/** Attributes by number: the places of the words in DTrace's lists. Some producers write numbers beyond them. */
export interface DofAttributes {
  /** The stability of the name. */
  readonly name: number;
  /** The stability of the data. */
  readonly data: number;
  /** The dependency class. */
  readonly class: number;
}

/** The parts of a provider that have attributes, in the order of the format. */
export const DOF_ATTRIBUTE_PARTS = ["provider", "module", "function", "name", "arguments"] as const;

/** A provider. */
export interface DofProvider {
  /** Its name, without a process's number. */
  readonly name: string;
  /** The attributes of its parts. */
  readonly attributes: Readonly<Record<typeof DOF_ATTRIBUTE_PARTS[number], DofAttributes>>;
  /** Its probes, each function and name once. */
  readonly probes: readonly DofProbe[];
}

/** What a DOF says. */
export interface Dof extends DofHeader {
  /** Its sections. */
  readonly sections: readonly DofSection[];
  /** Its providers. */
  readonly providers: readonly DofProvider[];
  /** What has been left out, and why. */
  readonly problems: readonly DofProblem[];
}

/** Where a DOF comes from. */
export interface DofOptions {
  /** Its name, for messages. */
  readonly name: string;
  /** By how many bytes its object was moved when it was loaded; 0 by default, so that addresses are the file's. */
  readonly bias?: number | undefined;
  /** The address of its first byte; unknown by default, which is wrong only for DOF that needs it. */
  readonly address?: number | undefined;
}

/**
 * Parses DOF.
 *
 * @param bytes The DOF; bytes behind its end do not matter.
 * @param options Where it comes from.
 * @returns What it says.
 * @throws {DTraceError} With one of the tags `D_DOF_*` if it is malformed.
 */
export function parseDof(bytes: Uint8Array, options: DofOptions): Dof {
  const reader = new DofReader(bytes, options.name);
  const header = readDofHeader(reader);
  const sections = readDofSections(reader, header);
  const context: DofContext = {
    reader,
    header,
    relocations: readDofRelocations(reader, sections),
    place: { bias: options.bias ?? 0, address: options.address },
    problems: [],
  };
  const providers = sections
    .filter(({ type }) => type === "PROVIDER")
    .map((section) => readProvider(context, sections, section))
    .filter((provider) => provider !== undefined);
  return { ...header, sections, providers, problems: context.problems };
}

function readProvider(
  context: DofContext,
  sections: readonly DofSection[],
  section: DofSection,
): DofProvider | undefined {
  const { reader, header } = context;
  const minimum = header.version === DOF_VERSION_1 ? DOF_PROVIDER_BYTES.first : DOF_PROVIDER_BYTES.later;
  const at = section.offset;
  if (section.sizeBytes < minimum || at % 4 !== 0) {
    reader.fail("D_DOF_PROVIDER", `its section ${section.index}, a provider, has ${section.sizeBytes} bytes at ${at}`);
  }
  const parts = readParts(context, sections, at);
  const name = reader.string(parts.strings, reader.uint32(at + 16), "the name of a provider").text;
  const probes = readDofProbes(context, parts, name);
  if (!PROVIDER_NAME.test(name)) {
    noteProblem(context, "D_DOF_NAME", `"${name.slice(0, 64)}" cannot be the name of a provider`);
    return undefined;
  }
  const attributes = DOF_ATTRIBUTE_PARTS.map((part, index) => [part, readAttributes(reader, at + 20 + 4 * index)]);
  return { name, attributes: Object.fromEntries(attributes), probes };
}

function readParts({ reader, header }: DofContext, sections: readonly DofSection[], at: number): DofProviderParts {
  const offsets = linkedSection(reader, sections, reader.uint32(at + 12), "PROFFS");
  const argumentMaps = linkedSection(reader, sections, reader.uint32(at + 8), "PRARGS");
  const enabledIndex = header.version === DOF_VERSION_1 ? 0 : reader.uint32(at + 40);
  const enabledOffsets = enabledIndex === 0 || enabledIndex === DOF_SECIDX_NONE
    ? undefined
    : linkedSection(reader, sections, enabledIndex, "PRENOFFS");
  for (const [array, entryBytes] of [[offsets, 4], [enabledOffsets, 4], [argumentMaps, 1]] as const) {
    if (array === undefined || (array.entryBytes === entryBytes && array.offset % entryBytes === 0)) continue;
    reader.fail("D_DOF_ENTSIZE", `its section ${array.index}, ${array.type}, has entries of ${array.entryBytes} bytes`);
  }
  return {
    strings: linkedSection(reader, sections, reader.uint32(at), "STRTAB"),
    probes: linkedSection(reader, sections, reader.uint32(at + 4), "PROBES"),
    argumentMaps,
    offsets,
    enabledOffsets,
  };
}

/** Attributes are packed into 32 bits, the name's stability in the highest byte. */
function readAttributes(reader: DofReader, at: number): DofAttributes {
  const packed = reader.uint32(at);
  return { name: packed >>> 24, data: packed >>> 16 & 0xff, class: packed >>> 8 & 0xff };
}
