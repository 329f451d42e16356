/**
 * What a pad has to record of a hit, so that each probe of a site finds its arguments in the record.
 *
 * *Problem.* The arguments of a function are in the same six registers everywhere. Those of static probes are where the
 * program's author and the compiler have put them, differently at each site; and several probes may be at one site.
 *
 * *Method.* Each probe says which values it needs. If all of them are among those six registers, which the arguments of DOF
 * nearly always are, the record has these; if all are what functions return, it has that; else it has a list, each value once,
 * and for each probe it is known where in the list its arguments are. Constants are in no record, nor are arguments that cannot
 * be had.
 *
 * *Why not.* A record has 22 values at most, which hardly any probes need; and a pad has to know all the registers that lead to them.
 *
 * @module
 */

import type { Address } from "../address.ts";
import { type Capture, isOfArgument } from "../isa/captures.ts";
import { RECORD_VALUES_LIMIT, type RecordAction, type RecordWriter } from "../isa/jumps.ts";
import type { ExtendedValue, Extension, RecordedValue } from "../isa/recorded_value.ts";
import type { Probe } from "./probe.ts";
import type { Tracepoint } from "./tracepoint.ts";

/** Why a tracepoint is a trap whose arguments are more than a record has. */
export const TOO_MANY = `more than ${RECORD_VALUES_LIMIT} arguments would have to be recorded`;

/** Why a tracepoint is a trap one of whose arguments is where no pad looks for it. */
export const UNREADABLE = "an argument is in no register that a jump can record";
/** Why a tracepoint is a trap where an argument that is no pointer in the record is to be followed. */
export const NOT_RECORDED = "what is captured there is pointed to by what is not recorded";

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
/** How a value is read that has all bits of its word. */
const WHOLE: Extension = { sizeBytes: 8, signed: true };

/**
 * Finds out what a pad would have to record.
 *
 * @param tracepoint The tracepoint, whose lists are complete.
 * @returns What; or why no pad can, as the end of a sentence.
 */
export function planValues(tracepoint: Tracepoint): RecordAction["values"] | ValuesRefusal {
  const { image, before, after } = tracepoint;
  const writer = image.isa.jumps?.records;
  if (before.length === 0) return "results";
  const isPlain = after.length === 0 && before.every(({ kind }) => kind !== "static");
  if (writer === undefined || isPlain) return "arguments";
  const distinct = new Map<string, RecordedValue>();
  for (const value of [...before, ...after].flatMap((probe) => needsOf(tracepoint, writer, probe))) {
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

/**
 * Says which values of a record lead to what is captured.
 *
 * @param tracepoint The tracepoint.
 * @param values What its pad records.
 * @param probe The probe that it is captured for.
 * @param captures What is captured, by the arguments of the probe.
 * @returns The same by the values of the record, without those that lead nowhere; undefined if the record lacks one that
 *   leads somewhere.
 */
export function placeCaptures(
  tracepoint: Tracepoint,
  values: RecordAction["values"],
  probe: Probe,
  captures: readonly Capture[],
): readonly Capture[] | undefined {
  const places = captures.length === 0 ? undefined : findPlaces(tracepoint, values, probe);
  const placed: Capture[] = [];
  for (const capture of captures) {
    if (!isOfArgument(capture)) {
      placed.push(capture);
      continue;
    }
    const argument = placeOf(probe, places, capture.argument);
    if (argument === NOWHERE) {
      if (leadsSomewhere(probe, tracepoint.pc, capture.argument)) return undefined;
    } else if (isWhole(probe, tracepoint.pc, capture.argument)) placed.push({ ...capture, argument });
    else return undefined;
  }
  return placed;
}

/**
 * Tells where in a record an argument is.
 *
 * @param probe The probe.
 * @param places What {@linkcode findPlaces} says.
 * @param index Which argument, as `HitRecord.arg` counts them.
 * @returns The index of the value, or {@linkcode NOWHERE}.
 */
export function placeOf(probe: Probe, places: ValuePlaces | undefined, index: number): number {
  if (probe.kind === "return") return index === 1 || index === 2 ? places?.[index - 1] ?? index - 1 : NOWHERE;
  if (probe.kind !== "static") return index < REGISTERS_TOTAL ? places?.[index] ?? index : NOWHERE;
  return index < argumentsOf(probe) ? places?.[probe.nativeIndex(index)] ?? NOWHERE : NOWHERE;
}

/** Whether an argument that is not recorded has a value nevertheless: a constant. */
function leadsSomewhere(probe: Probe, pc: Address, index: number): boolean {
  return probe.kind === "static" &&
    typeof probe.arguments?.places?.get(pc)?.[probe.nativeIndex(index)]?.reader === "object";
}

/** Whether all bits of the recorded value are the argument's. */
function isWhole(probe: Probe, pc: Address, index: number): boolean {
  if (probe.kind !== "static") return true;
  const type = probe.valueTypeAt(pc, probe.nativeIndex(index));
  return type === undefined || (type.sizeBytes === 8 && type.kind !== "float");
}

/**
 * Finds an argument at a site without a record of it.
 *
 * @param tracepoint The tracepoint at the site.
 * @param probe The probe.
 * @param index Which argument, as `HitRecord.arg` counts them.
 * @returns Where it is and how it is to be read; undefined if it is nowhere, or not so simple.
 */
export function findValue(tracepoint: Tracepoint, probe: Probe, index: number): ExtendedValue | undefined {
  const { image: { isa }, pc } = tracepoint;
  if (probe.kind === "return") {
    const register = [undefined, isa.registers.result, isa.registers.result2][index];
    return register === undefined ? undefined : { place: { kind: "register", register }, ...WHOLE };
  }
  const writer = isa.jumps?.records;
  if (writer === undefined || (probe.kind === "static" && index >= argumentsOf(probe))) return undefined;
  const native = probe.kind === "static" ? probe.nativeIndex(index) : index;
  const place = needsOf(tracepoint, writer, probe)[native];
  const extension = probe.kind === "static" ? extensionOf(probe, pc, native) : WHOLE;
  return place === undefined || extension === undefined ? undefined : { place, ...extension };
}

/** How an argument of a static probe is made of what is recorded; undefined if that is not so simple. */
function extensionOf(probe: Probe, pc: Address, native: number): Extension | undefined {
  const places = probe.arguments?.places?.get(pc);
  if (places !== undefined) {
    const reader = places[native]?.reader;
    return typeof reader === "object" ? reader.extension : undefined;
  }
  const type = probe.valueTypeAt(pc, native);
  return type === undefined ? WHOLE : { sizeBytes: type.sizeBytes, signed: type.kind === "signed" };
}

/** How many arguments a static probe has. */
function argumentsOf({ arguments: known }: Probe): number {
  return known?.translatedTypes.length ?? 0;
}

/** What has to be recorded for each argument of a probe, at a return for both parts of the value; undefined where nothing has. */
function needsOf(
  { image: { isa: { registers: { result, result2 } } }, instruction, pc }: Tracepoint,
  writer: RecordWriter,
  probe: Probe,
): (RecordedValue | undefined)[] {
  if (probe.kind === "return") return [result, result2].map((register) => ({ kind: "register", register }));
  if (probe.kind !== "static") return registersOf(writer);
  // A call that was taken out has left no return address on the stack, unless it was a tail call.
  const argument = (index: number) => writer.argument(index, instruction.flow === "return");
  const places = probe.arguments?.places?.get(pc);
  const needs: (RecordedValue | undefined)[] = [];
  for (let index = 0; index < argumentsOf(probe); index++) {
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
