/** Data and what printing depends on, for tests without a program. */

import type { ConversionContext } from "../../../lib/consumer/records/conversion.ts";
import type { AddressName, DatumOptions } from "../../../lib/consumer/records/datum_text.ts";
import type { Datum } from "../../../lib/d/run/datum.ts";
import { halvesOf } from "../../d/random.ts";

const NAMES: readonly (AddressName & { begin: number; end: number })[] = [
  { begin: 0x1000, end: 0x1100, module: "libc.so.6", symbol: "malloc", offsetBytes: 0 },
  { begin: 0x2000, end: 0x2100, module: "a.out", symbol: undefined, offsetBytes: 0 },
];

/** Knows a function of libc at 0x1000, and a part of the program at 0x2000. */
const resolver = {
  nameOf(_pid: number, address: number): AddressName | undefined {
    const found = NAMES.find(({ begin, end }) => address >= begin && address < end);
    return found && { ...found, offsetBytes: address - found.begin };
  },
};

/** Conversions in Greenwich. */
export const CONTEXT: ConversionContext = {
  resolver,
  pid: 7,
  stackIndent: 14,
  clock: { zone: () => ({ offsetSeconds: 0, name: "UTC" }) },
};

/** Data as dtrace prints them without options. */
export const DATA: DatumOptions = { quiet: false, rawBytes: false, stackIndent: 14, resolver };

/** A number; a `long` unless something else is said. */
export function numberDatum(value: bigint, sizeBytes = 8, signed = true): Datum {
  const cut = signed ? BigInt.asIntN(8 * sizeBytes, value) : BigInt.asUintN(8 * sizeBytes, value);
  return { kind: "number", ...halvesOf(cut), sizeBytes, signed };
}

/** A string of UTF-8. */
export function stringDatum(text: string): Datum {
  return { kind: "string", bytes: new TextEncoder().encode(text) };
}
