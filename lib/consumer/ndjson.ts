/**
 * Events for programs: one JSON object a line, described by `schema/events.schema.json`.
 *
 * ```json
 * {"type":"event","ts":81723,"pid":1234,"tid":1235,"probe":"pid1234:libc.so.6:malloc:entry","args":[32,0,0,0,0,0]}
 * {"type":"end","hits":1,"drops":{}}
 * ```
 *
 * `--count` writes an `aggregation` for each probe in place of the events, `-l` a `probe` for each probe and no end.
 *
 * Arguments are signed 64-bit integers, as `arg0` is in D. One that a JSON number does not hold exactly, because it is
 * outside of +-(2^53 - 1), is a string of decimal digits. Those of static probes are as their types say: without a sign,
 * or floating-point numbers, of which those that JSON does not have are the strings `NaN`, `Infinity` and `-Infinity`.
 *
 * What was captured (`EnableOptions.capture`) follows as `captured`: a string as it is, bytes as hexadecimal digits, null for
 * what could not be read.
 *
 * Lines are put together by hand: the text in an event is the name of its probe, which is quoted once a probe, and what was
 * captured.
 *
 * @module
 */

import { formatProbeDescription } from "../spec/probe_description.ts";
import type { ProbeDetails } from "../fasttrap/inspect.ts";
import type { ProbeIdentity, TraceEvent } from "../session/event.ts";
import { numberOfWord, type ValueType, valueTypeOf } from "../value_type.ts";
import type { ProbeCount } from "./counts.ts";

const HALF = 2 ** 32;
/** High halves from here on belong to integers of 2^53 and more. */
const HIGH_LIMIT = 2 ** 21;
const MILLION = 1e6;

/** What is known when the tracing ends. */
export interface TraceTotals {
  /** How many hits were written or counted. */
  readonly hitsTotal: number;
  /** How many events were lost, by the cause of the loss. */
  readonly drops: Readonly<Record<string, number>>;
}

/** Formats events as lines of JSON. One formatter serves one session: it remembers the names of its probes. */
export class NdjsonFormatter {
  readonly #probes = new Map<number, KnownProbe>();

  /**
   * Formats one event.
   *
   * @param event The event.
   * @returns A line with its line feed.
   */
  format(event: TraceEvent): string {
    const { probe, arguments: halves, argumentCount } = event;
    let known = this.#probes.get(probe.id);
    if (known === undefined) this.#probes.set(probe.id, known = describe(probe));
    const { name, types } = known;
    let args = "";
    for (let i = 0; i < argumentCount; i++) {
      args += (i === 0 ? "" : ",") + formatValue(halves.subarray(2 * i, 2 * i + 2), types[i]);
    }
    const captured = event.captured === undefined
      ? ""
      : `,"captured":[${event.captured.map(formatCaptured).join(",")}]`;
    return `{"type":"event","ts":${event.timestampNs},"pid":${event.pid},"tid":${event.tid},"probe":${name},"args":[${args}]${captured}}\n`;
  }

  /**
   * Formats what was counted for one probe.
   *
   * @param count The probe and its hits.
   * @returns A line with its line feed.
   */
  formatCount({ probe, hitsTotal }: ProbeCount): string {
    const key = [formatProbeDescription(probe)];
    return `${JSON.stringify({ type: "aggregation", name: "@", key, value: hitsTotal })}\n`;
  }

  /**
   * Formats one probe of a list.
   *
   * @param probe The probe.
   * @param details What is known of it (`-v`).
   * @returns A line with its line feed.
   */
  formatProbe(probe: ProbeIdentity, details?: ProbeDetails): string {
    const { id, provider, module, function: functionName, name, argumentTypes } = probe;
    const identity = { type: "probe", id, provider, module, function: functionName, name };
    if (details === undefined) return `${JSON.stringify({ ...identity, argumentTypes })}\n`;
    const sites = details.sites.map((site) => ({ ...site, code: formatHex(site.code) }));
    return `${JSON.stringify({ ...identity, ...details, sites })}\n`;
  }

  /**
   * Formats the last line.
   *
   * @param totals What to say.
   * @returns A line with its line feed.
   */
  formatEnd(totals: TraceTotals): string {
    return `${JSON.stringify({ type: "end", hits: totals.hitsTotal, drops: totals.drops })}\n`;
  }
}

/** What is remembered of a probe. */
interface KnownProbe {
  /** Its description in quotes. */
  readonly name: string;
  /** How its arguments are read. */
  readonly types: readonly (ValueType | undefined)[];
}

function describe(probe: ProbeIdentity): KnownProbe {
  return { name: JSON.stringify(formatProbeDescription(probe)), types: (probe.argumentTypes ?? []).map(valueTypeOf) };
}

function formatHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Writes what was captured as JSON. */
function formatCaptured(value: string | Uint8Array | undefined): string {
  return value === undefined ? "null" : JSON.stringify(typeof value === "string" ? value : formatHex(value));
}

/** Writes an argument as JSON. */
function formatValue(halves: Uint32Array, type: ValueType | undefined): string {
  const lo = halves[0]!;
  const hi = halves[1]!;
  if (type?.kind === "float") {
    const value = numberOfWord(halves, type);
    return Number.isFinite(value) ? JSON.stringify(value) : `"${value}"`;
  }
  return type?.kind === "unsigned" && hi >= HALF / 2 ? `"${formatMagnitude(lo, hi)}"` : formatInteger(lo, hi);
}

/**
 * Writes a signed 64-bit integer as JSON.
 *
 * @param lo The low 32 bits, unsigned.
 * @param hi The high 32 bits, unsigned.
 * @returns A number if it is exact, else a string in quotes.
 */
export function formatInteger(lo: number, hi: number): string {
  if (hi < HIGH_LIMIT) return String(hi * HALF + lo);
  if (hi < HALF / 2) return `"${formatMagnitude(lo, hi)}"`;
  // Negative: its magnitude is the two's complement.
  const magnitudeLo = (-lo) >>> 0;
  const magnitudeHi = (~hi + (lo === 0 ? 1 : 0)) >>> 0;
  return magnitudeHi < HIGH_LIMIT
    ? String(-(magnitudeHi * HALF + magnitudeLo))
    : `"-${formatMagnitude(magnitudeLo, magnitudeHi)}"`;
}

/**
 * Writes an unsigned 64-bit integer of 2^53 or more in decimal, as what stands before and in its last six digits. A
 * remainder of a million times 2^32 is below 2^53, so that each step is exact.
 */
function formatMagnitude(lo: number, hi: number): string {
  const low = (hi % MILLION) * HALF + lo;
  const millions = Math.floor(hi / MILLION) * HALF + Math.floor(low / MILLION);
  return `${millions}${String(low % MILLION).padStart(6, "0")}`;
}
