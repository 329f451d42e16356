/**
 * DOF for tests: an example, and places in it that tests change.
 *
 * @module
 */

import { type Dof, type DofProvider, parseDof } from "../../lib/object/dof.ts";
import { DOF_SECTION_TYPES, type DofSectionType } from "../../lib/object/dof_constants.ts";
import { type DofWriterOptions, writeDof } from "../../lib/object/dof_writer.ts";

const EVOLVING = { name: 5, data: 5, class: 4 };
const PRIVATE = { name: 1, data: 1, class: 0 };
const ATTRIBUTES = {
  provider: EVOLVING,
  module: PRIVATE,
  function: PRIVATE,
  name: EVOLVING,
  arguments: { name: 6, data: 7, class: 9 },
};

/** Two providers; everything that can be there is. */
export const EXAMPLE: readonly DofProvider[] = [
  {
    name: "example",
    attributes: ATTRIBUTES,
    probes: [
      {
        function: "main",
        name: "start",
        sites: [0x401010, 0x401020],
        enabledSites: [0x401000],
        nativeTypes: ["int", "char *", "struct point"],
        translatedTypes: ["char *", "int"],
        argumentMap: [1, 0],
      },
      {
        function: "_ZN3foo3barEv",
        name: "start",
        sites: [0x402000],
        enabledSites: [],
        nativeTypes: ["int"],
        translatedTypes: [],
        argumentMap: [],
      },
      {
        function: "main",
        name: "silent",
        sites: [],
        enabledSites: [0x401030],
        nativeTypes: [],
        translatedTypes: [],
        argumentMap: [],
      },
    ],
  },
  {
    name: "other_one",
    attributes: ATTRIBUTES,
    probes: [{
      function: "f",
      name: "g",
      sites: [0x403000],
      enabledSites: [],
      nativeTypes: [],
      translatedTypes: [],
      argumentMap: [],
    }],
  },
];

/** The same without what version 1 does not have. */
export const FIRST_EXAMPLE: readonly DofProvider[] = EXAMPLE.map((provider) => ({
  ...provider,
  probes: provider.probes.filter(({ sites }) => sites.length > 0).map((probe) => ({ ...probe, enabledSites: [] })),
}));

/** Every way to write the example, with what it is. */
export const LAYOUTS: readonly Required<DofWriterOptions>[] = ([1, 2, 3] as const).flatMap((version) =>
  ([32, 64] as const).flatMap((bits) =>
    [true, false].flatMap((littleEndian) =>
      (["none", "object", "place"] as const).map((relocation) => ({
        version,
        bits,
        littleEndian,
        relocation,
        address: relocation === "place" ? 0x600000 : 0,
      }))
    )
  )
);

/** The example by version. */
export function exampleOf({ version }: { version?: number }): readonly DofProvider[] {
  return version === 1 ? FIRST_EXAMPLE : EXAMPLE;
}

/** An example that a test can spoil. */
export class SpoiltDof {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  readonly #intact: Dof;

  constructor(options: DofWriterOptions = { relocation: "object" }) {
    this.bytes = writeDof(exampleOf(options), options);
    this.view = new DataView(this.bytes.buffer);
    this.#intact = parseDof(this.bytes, { name: "intact", address: options.address });
  }

  /** Where the first section of a type begins. */
  contents(type: DofSectionType): number {
    return this.#section(type).offset;
  }

  /** Where the header of the first section of a type begins. */
  header(type: DofSectionType): number {
    return 64 + 32 * this.#section(type).index;
  }

  /** Changes 32 bits. */
  set(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }

  /** Parses it. */
  parse(): Dof {
    return parseDof(this.bytes, { name: "spoilt" });
  }

  #section(type: DofSectionType) {
    const section = this.#intact.sections.find((it) => it.typeNumber === DOF_SECTION_TYPES.indexOf(type));
    if (section === undefined) throw new Error(`no section ${type}`);
    return section;
  }
}
