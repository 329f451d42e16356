/**
 * The probes of a provider in DTrace Object Format.
 *
 * | bytes | field |
 * | ---: | --- |
 * | 0-7 | an address, from which the offsets of the sites are counted |
 * | 8-11, 12-15 | function and name, in the string table |
 * | 16-19, 20-23 | native and translated types of the arguments: as many strings behind each other as there are arguments |
 * | 24-27 | index of the first byte of the argument map: for each translated argument the native one it is |
 * | 28-31 | index of the first offset of a site |
 * | 32, 33 | numbers of native and of translated arguments |
 * | 34-35 | number of sites |
 * | 36-39, 40-41 | from version 2 on: index of the first offset of an is-enabled site, and their number |
 *
 * Offsets are signed and have 32 bits. A probe that has sites in several functions is several probes here, one a function.
 *
 * *Bounds.* The reader counts all probes, sites and arguments (`DofReader.spend`). Names are compared, never joined: a
 * hostile name may have megabytes, and is shared by all probes that have it.
 *
 * @module
 */

import { isAddress } from "../address.ts";
import { DOF_PROBE_BYTES, DOF_VERSION_1 } from "./dof_constants.ts";
import type { DofHeader, DofSection } from "./dof_header.ts";
import type { DofProblem, DofReader } from "./dof_reader.ts";
import type { DofRelocation } from "./dof_relocations.ts";

/** A probe. */
export interface DofProbe {
  /** The function that its sites are in. */
  readonly function: string;
  /** Its name. */
  readonly name: string;
  /** The addresses of its sites, ascending, each once. */
  readonly sites: readonly number[];
  /** The addresses of its is-enabled sites, ascending, each once. */
  readonly enabledSites: readonly number[];
  /** The types of the arguments as the program passes them. */
  readonly nativeTypes: readonly string[];
  /** The types of the arguments as D sees them. */
  readonly translatedTypes: readonly string[];
  /** For each translated argument the index of the native one it is. */
  readonly argumentMap: readonly number[];
}

/** The sections that a provider refers to. */
export interface DofProviderParts {
  /** The strings. */
  readonly strings: DofSection;
  /** The probes. */
  readonly probes: DofSection;
  /** The argument maps. */
  readonly argumentMaps: DofSection;
  /** The offsets of sites. */
  readonly offsets: DofSection;
  /** The offsets of is-enabled sites; undefined if there are none. */
  readonly enabledOffsets: DofSection | undefined;
}

/** Where the DOF and its object are. */
export interface DofPlace {
  /** By how many bytes the object was moved when it was loaded. */
  readonly bias: number;
  /** The address of the DOF itself; undefined if it is nowhere. */
  readonly address: number | undefined;
}

/** What reading probes needs besides their provider, and what it counts. */
export interface DofContext {
  /** The DOF. */
  readonly reader: DofReader;
  /** Its header. */
  readonly header: DofHeader;
  /** Its relocations. */
  readonly relocations: ReadonlyMap<number, DofRelocation>;
  /** Where it is. */
  readonly place: DofPlace;
  /** What is left out, and why; at most {@linkcode MAX_PROBLEMS}. */
  readonly problems: DofProblem[];
}

/** Whoever reads a hundred problems does not read more. */
const MAX_PROBLEMS = 100;
/** Where a name is cut in a message. */
const MESSAGE_CHARACTERS = 64;

/**
 * Notes what is left out.
 *
 * @param context The DOF.
 * @param tag The tag, as errors have one.
 * @param message What is wrong.
 */
export function noteProblem({ problems }: DofContext, tag: string, message: string): void {
  if (problems.length < MAX_PROBLEMS) problems.push({ tag, message });
}

/**
 * Reads the probes of a provider.
 *
 * @param context The DOF.
 * @param parts The sections that the provider refers to.
 * @param provider The provider's name, for messages.
 * @returns The probes, each function and name once. Those without a site are left out with a problem.
 * @throws {DTraceError} `D_DOF_ENTSIZE`, `D_DOF_STRING`, `D_DOF_STRINGS`, `D_DOF_OFFIDX`, `D_DOF_ENOFFIDX`,
 *   `D_DOF_ARGIDX`, `D_DOF_ARGMAP`, `D_DOF_ADDRESS` or `D_DOF_COUNT` if one is wrong.
 */
export function readDofProbes(context: DofContext, parts: DofProviderParts, provider: string): DofProbe[] {
  const { reader, header } = context;
  const { probes: section } = parts;
  const minimum = header.version === DOF_VERSION_1 ? DOF_PROBE_BYTES.first : DOF_PROBE_BYTES.later;
  const { entryBytes } = section;
  if (
    entryBytes < minimum || entryBytes % 8 !== 0 || section.sizeBytes % entryBytes !== 0 || section.offset % 8 !== 0
  ) {
    reader.fail(
      "D_DOF_ENTSIZE",
      `its probes have ${entryBytes} bytes, in ${section.sizeBytes} bytes at ${section.offset}`,
    );
  }
  reader.spend(section.sizeBytes / entryBytes);
  const byFunction = new Map<string, Map<string, ProbeDraft>>();
  const probes: ProbeDraft[] = [];
  for (let at = section.offset; at < section.offset + section.sizeBytes; at += entryBytes) {
    const probe = readProbe(context, parts, at);
    const title = () =>
      [provider, probe.function, probe.name].map((part) => part.slice(0, MESSAGE_CHARACTERS)).join(":");
    if (probe.sites.length + probe.enabledSites.length === 0) {
      noteProblem(context, "D_DOF_NOSITE", `probe ${title()} has no site`);
      continue;
    }
    const byName = byFunction.get(probe.function) ?? new Map<string, ProbeDraft>();
    const known = byName.get(probe.name);
    if (known === undefined) {
      byFunction.set(probe.function, byName.set(probe.name, probe));
      probes.push(probe);
    } else {
      noteProblem(context, "D_DOF_DUPLICATE", `probe ${title()} is there twice`);
      for (const site of probe.sites) known.sites.push(site);
      for (const site of probe.enabledSites) known.enabledSites.push(site);
    }
  }
  return probes.map((probe) => ({
    ...probe,
    sites: ascending(probe.sites),
    enabledSites: ascending(probe.enabledSites),
  }));
}

/** A probe of which more sites may be found. */
interface ProbeDraft extends DofProbe {
  readonly sites: number[];
  readonly enabledSites: number[];
}

function readProbe(context: DofContext, parts: DofProviderParts, at: number): ProbeDraft {
  const { reader, header } = context;
  const { strings } = parts;
  const base = readBase(context, at);
  const name = reader.string(strings, reader.uint32(at + 12), "the name of a probe").text;
  const nativeTypes = readTypes(context, strings, reader.uint32(at + 16), reader.uint8(at + 32));
  const translatedTypes = readTypes(context, strings, reader.uint32(at + 20), reader.uint8(at + 33));
  const hasEnabled = header.version !== DOF_VERSION_1;
  return {
    function: reader.string(strings, reader.uint32(at + 8), "the function of a probe").text,
    name,
    sites: readSites(context, parts.offsets, {
      tag: "D_DOF_OFFIDX",
      base,
      index: reader.uint32(at + 28),
      count: reader.uint16(at + 34),
    }),
    enabledSites: readSites(context, parts.enabledOffsets, {
      tag: "D_DOF_ENOFFIDX",
      base,
      index: hasEnabled ? reader.uint32(at + 36) : 0,
      count: hasEnabled ? reader.uint16(at + 40) : 0,
    }),
    nativeTypes,
    translatedTypes,
    argumentMap: readMap(context, parts.argumentMaps, reader.uint32(at + 24), {
      nativeCount: nativeTypes.length,
      translatedCount: translatedTypes.length,
    }),
  };
}

/** Reads the address that the offsets of a probe are counted from, and moves it as its relocation says. */
function readBase({ reader, relocations, place }: DofContext, at: number): number {
  const { address } = place;
  const relocation = relocations.get(at);
  if (relocation === undefined) return reader.int64(at);
  if (relocation === "object") return reader.int64(at) + place.bias;
  if (address === undefined) {
    return reader.fail("D_DOF_ADDRESS", "its probes are counted from its own address, which is not known");
  }
  return reader.int64(at) + address + at;
}

function readTypes(context: DofContext, strings: DofSection, index: number, count: number): string[] {
  context.reader.spend(count);
  const types: string[] = [];
  for (let next = index; types.length < count;) {
    const string = context.reader.string(strings, next, "the type of an argument");
    types.push(string.text);
    next = string.next;
  }
  return types;
}

/** A range of offsets. */
interface OffsetRange {
  readonly tag: string;
  readonly base: number;
  readonly index: number;
  readonly count: number;
}

function readSites(context: DofContext, section: DofSection | undefined, range: OffsetRange): number[] {
  const { reader } = context;
  const { tag, base, index, count } = range;
  if (count === 0) return [];
  const available = section === undefined ? 0 : section.sizeBytes / 4;
  if (section === undefined || index + count > available) {
    return reader.fail(
      tag,
      `the offsets ${index} to ${index + count} of a probe are outside of ${Math.floor(available)}`,
    );
  }
  context.reader.spend(count);
  const sites: number[] = [];
  for (let at = section.offset + 4 * index; sites.length < count; at += 4) {
    const address = base + reader.int32(at);
    if (!isAddress(address)) reader.fail("D_DOF_ADDRESS", `a site of a probe is at ${address}, which is no address`);
    sites.push(address);
  }
  return sites;
}

function readMap(
  { reader }: DofContext,
  section: DofSection,
  index: number,
  { nativeCount, translatedCount }: { nativeCount: number; translatedCount: number },
): number[] {
  if (translatedCount === 0) return [];
  if (index + translatedCount > section.sizeBytes) {
    reader.fail(
      "D_DOF_ARGIDX",
      `the arguments ${index} to ${index + translatedCount} of a probe are outside of ${section.sizeBytes}`,
    );
  }
  return Array.from({ length: translatedCount }, (_, argument) => {
    const native = reader.uint8(section.offset + index + argument);
    if (native >= nativeCount) {
      reader.fail("D_DOF_ARGMAP", `an argument of a probe is native argument ${native} of ${nativeCount}`);
    }
    return native;
  });
}

function ascending(addresses: readonly number[]): number[] {
  return [...new Set(addresses)].sort((a, b) => a - b);
}
