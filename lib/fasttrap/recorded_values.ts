/**
 * What a pad has to record of a hit, so that each probe of a site finds its arguments in the record.
 *
 * *Problem.* The arguments of a function are in the same six registers everywhere. Those of static probes are where the
 * program's author and the compiler have put them, differently at each site; and several probes may be at one site.
 *
 * *Method.* Each probe says which values it needs. If all of them are among those six registers, which the arguments of DOF
 * nearly always are, the record has these; else it has a list, each value once, and for each probe it is known where in the
 * list its arguments are. Constants are in no record, nor are arguments that cannot be had.
 *
 * *Why not.* A record has 22 values at most, which hardly any probes need; and what may fault when it is read must not be read by a pad.
 *
 * @module
 */

import { RECORD_VALUES_LIMIT, type RecordAction, type RecordWriter } from "../isa/jumps.ts";
import type { RecordedValue } from "../isa/recorded_value.ts";
import type { Probe } from "./probe.ts";
import type { Tracepoint } from "./tracepoint.ts";

/** Why a tracepoint is a trap whose arguments are more than a record has. */
export const TOO_MANY = `more than ${RECORD_VALUES_LIMIT} arguments would have to be recorded`;

/** Why a tracepoint is a trap one of whose arguments is where a pad must not look for it. */
export const UNREADABLE = "an argument is in memory that need not be readable";

/** Where in a record the arguments of a probe are, by their indices; -1 for one that is not there. */
export type ValuePlaces = readonly number[];

/** That no pad can record what is wanted. */
export interface ValuesRefusal {
  /** Why, as the end of a sentence. */
  readonly refusal: string;
}

/** Where an argument is that is not in the record. */
export const NOWHERE = -1;
/** The arguments of a function that are in registers. */
const REGISTERS_TOTAL = 6;

/**
 * Finds out what a pad would have to record.
 *
 * @param tracepoint The tracepoint, whose lists are complete.
 * @returns What; or why no pad can, as the end of a sentence.
 */
export function planValues(tracepoint: Tracepoint): RecordAction["values"] | ValuesRefusal {
  const { image, before, after } = tracepoint;
  if (after.length > 0) return "results";
  const writer = image.isa.jumps?.records;
  if (writer === undefined || before.every(({ kind }) => kind !== "static")) return "arguments";
  const distinct = new Map<string, RecordedValue>();
  for (const value of before.flatMap((probe) => needsOf(tracepoint, writer, probe))) {
    if (value !== undefined) distinct.set(keyOf(value), value);
  }
  const values = [...distinct.values()];
  if (!values.every((value) => writer.canRecord(value))) return { refusal: UNREADABLE };
  const usual = registersOf(writer).map(keyOf);
  if ([...distinct.keys()].every((key) => usual.includes(key))) return "arguments";
  return values.length > RECORD_VALUES_LIMIT ? { refusal: TOO_MANY } : values;
}

/**
 * Finds the arguments of a probe in a record.
 *
 * @param tracepoint The tracepoint that was hit.
 * @param values What its pad records.
 * @param probe The probe.
 * @returns Where they are; undefined if they are in their order.
 */
export function findPlaces(
  tracepoint: Tracepoint,
  values: RecordAction["values"],
  probe: Probe,
): ValuePlaces | undefined {
  const writer = tracepoint.image.isa.jumps!.records!;
  if (values === "results" || (values === "arguments" && probe.kind !== "static")) return undefined;
  const keys = (values === "arguments" ? registersOf(writer) : values).map(keyOf);
  return needsOf(tracepoint, writer, probe).map((value) => value === undefined ? NOWHERE : keys.indexOf(keyOf(value)));
}

/** The arguments of a function that are in registers. */
function registersOf(writer: RecordWriter): RecordedValue[] {
  return Array.from({ length: REGISTERS_TOTAL }, (_, index) => writer.argument(index, false));
}

/** What has to be recorded for each argument of a probe; undefined where nothing has. */
function needsOf(
  { instruction, pc }: Tracepoint,
  writer: RecordWriter,
  probe: Probe,
): (RecordedValue | undefined)[] {
  if (probe.kind !== "static") return registersOf(writer);
  // A call that was taken out has left no return address on the stack, unless it was a tail call.
  const argument = (index: number) => writer.argument(index, instruction.flow === "return");
  const places = probe.arguments?.places?.get(pc);
  const needs: (RecordedValue | undefined)[] = [];
  for (let index = 0; index < (probe.arguments?.translatedTypes.length ?? 0); index++) {
    const native = probe.nativeIndex(index);
    const reader = places?.[native]?.reader;
    while (needs.length < native) needs.push(undefined);
    needs[native] = places === undefined ? argument(native) : typeof reader === "object" ? reader.recorded : undefined;
  }
  return needs;
}

/**
 * Tells whether no pad can record what is wanted.
 *
 * @param values What was planned.
 * @returns Whether that is a refusal.
 */
export function isRefusal(values: RecordAction["values"] | ValuesRefusal): values is ValuesRefusal {
  return typeof values === "object" && "refusal" in values;
}

/**
 * Tells whether pads that record this also record that.
 *
 * @param these What a pad records.
 * @param those What is wanted.
 * @returns Whether both are the same.
 */
export function isSameRecord(these: RecordAction["values"], those: RecordAction["values"]): boolean {
  return these === those || JSON.stringify(these) === JSON.stringify(those);
}

function keyOf(value: RecordedValue): string {
  return JSON.stringify(value);
}
