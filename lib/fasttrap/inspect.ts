/**
 * What is known of a probe before it is enabled: how much one may rely on it, and what each of its sites is.
 *
 * *Method.* Nothing is changed and nothing is stopped. The instruction of a site is decoded from the original bytes, as
 * enabling it would, and tried: whether it can be emulated, whether a displaced copy can have its effect. Where there is
 * a tracepoint already, that one tells.
 *
 * *Jump or trap* (`jumps.ts`). What is enabled says what it is and, if it is a trap, why; for what is not, it is foretold for
 * hits that are recorded, and where that takes a trap, for hits that are only counted as well.
 *
 * *Limit.* Whether memory for a slot or a pad can be had near a site is seen only when one is made.
 *
 * @module
 */

import type { Address } from "../address.ts";
import type { Capture } from "../isa/captures.ts";
import { readMappings } from "../process/proc_files.ts";
import { formatAttributes, minimumAttributes } from "../spec/stability.ts";
import { contextRefusal } from "./context.ts";
import { refusalOf, TracepointPlanner } from "./planner.ts";
import type { Fasttrap } from "./fasttrap.ts";
import type { Enabling, Probe } from "./probe.ts";
import { howPerformed, type TracepointStats } from "./stats.ts";
import type { Tracepoint } from "./tracepoint.ts";

/** Where an argument of a static probe is. */
export interface ArgumentDetails {
  /** Its type, as far as it is known: `int32_t`. */
  readonly type: string;
  /** The place as the compiler has written it: `-4@8(%rbp)`. */
  readonly operand: string;
  /** Why it cannot be had and reads as 0, as the end of a sentence; undefined if it can. */
  readonly problem: string | undefined;
}

/** A counter that the program looks at before it prepares the arguments of a static probe. */
export interface SemaphoreDetails {
  /** Its address. */
  readonly address: number;
  /** How many listen, this session and other tracers; undefined if it cannot be read. */
  readonly value: number | undefined;
}

/** A place where a probe has a trap when it is enabled. */
export interface SiteDetails {
  /** Its address. */
  readonly address: number;
  /** How far behind the beginning of its function it is, in bytes; undefined if that is not known. */
  readonly offset: number | undefined;
  /** The bytes of the original instruction; none if there is none. */
  readonly code: Uint8Array;
  /**
   * How the instruction is performed, best first: by a `jump` to a pad; `emulated` in the registers, by a displaced copy in
   * a `slot`, or by a single `step` in its place with all other threads stopped; undefined if no probe can be on it.
   */
  readonly performed: TracepointStats["performed"] | undefined;
  /**
   * Why each hit stops the thread, as the end of a sentence: why the site of an enabled probe is a trap and no jump, or would
   * be one if hits are recorded; undefined if it is or would be a jump, or no probe can be on it.
   */
  readonly trapReason?: string | undefined;
  /** Whether it would be a jump nevertheless if hits are only counted; undefined if not, or if there is no reason for a trap. */
  readonly isCountable?: true | undefined;
  /** Why no probe can be on it, as the end of a sentence; undefined if one can. */
  readonly refusal: string | undefined;
  /** Whether the program asks there whether a static probe is enabled; undefined if it does not. */
  readonly isEnabledSite?: true | undefined;
  /** Where the arguments of a static probe are, if its object says so (SystemTap's notes do). */
  readonly arguments?: readonly ArgumentDetails[] | undefined;
}

/** What is known of a probe. */
export interface ProbeDetails {
  /** How much one may rely on its names, in DTrace's words for names, data and dependency: `Private/Private/Unknown`. */
  readonly attributes: string;
  /** How much one may rely on its arguments. */
  readonly argumentAttributes: string;
  /** The types of its arguments as `args[n]` has them; none for probes of functions. */
  readonly argumentTypes: readonly string[];
  /** Its sites. */
  readonly sites: readonly SiteDetails[];
  /** The semaphores of a static probe; undefined if it has none. */
  readonly semaphores?: readonly SemaphoreDetails[] | undefined;
}

/**
 * Tells what is known of a probe.
 *
 * @param fasttrap The tables.
 * @param probe The probe.
 * @param recorded What is captured when hits are recorded; nothing by default.
 * @returns What is known; no sites of a program that is gone.
 */
export function inspectProbe(fasttrap: Fasttrap, probe: Probe, recorded: readonly Capture[] = []): ProbeDetails {
  const { provider, module, function: functions, name, arguments: args } = probe.owner.attributes;
  const types: string[] = [];
  for (let i = 0, found; (found = probe.describeArgument(i)) !== undefined; i++) types.push(found.translatedType);
  const { image } = probe.owner.process;
  const planner = image.alive
    ? new TracepointPlanner(fasttrap, image, readMappings(fasttrap.tracer.kernel, image.pid) ?? [])
    : undefined;
  return {
    // A name that is whole relies on all of its parts (dt_probe_info of libdtrace).
    attributes: formatAttributes(minimumAttributes([provider, module, functions, name])),
    argumentAttributes: formatAttributes(args),
    argumentTypes: types,
    sites: planner === undefined
      ? []
      : probe.addresses.map((pc) => inspectSite({ fasttrap, planner, recorded }, probe, pc)),
    semaphores: image.alive && probe.semaphores.length > 0
      ? probe.semaphores.map((address) => ({ address, value: image.semaphores.valueAt(address) }))
      : undefined,
  };
}

/** What is inspected with. */
interface Inspection {
  readonly fasttrap: Fasttrap;
  readonly planner: TracepointPlanner;
  readonly recorded: readonly Capture[];
}

function inspectSite(inspection: Inspection, probe: Probe, pc: Address): SiteDetails {
  const { fasttrap, planner } = inspection;
  const { image } = probe.owner.process;
  const { isa, memory } = image;
  const bytes = new Uint8Array(isa.longestBytes);
  const instruction = isa.decode(bytes.subarray(0, memory.read(pc, bytes)), 0, pc);
  const offset = probe.kind === "static" ? undefined : pc - probe.functionAddress;
  const site = { address: pc, offset, code: bytes.subarray(0, instruction?.length ?? 0) };
  const known = {
    isEnabledSite: probe.isEnabledSites.includes(pc) ? true as const : undefined,
    arguments: probe.arguments?.places?.get(pc)?.map(({ type, operand, reader }) => ({
      type,
      operand,
      problem: typeof reader === "string" ? reader : undefined,
    })),
  };
  const refuse = (refusal: string): SiteDetails => ({ ...site, performed: undefined, refusal, ...known });
  if (instruction === undefined) return refuse("there is no instruction that can be decoded");
  const unfit = instruction.refusal ?? contextRefusal(image, pc);
  if (unfit !== undefined) return refuse(unfit);
  const live = fasttrap.tracepoints.find(image.pid, pc, isa.unitBytes);
  const tracepoint = live?.image === image ? live : planner.plan(instruction);
  const refusal = refusalOf(tracepoint, probe);
  if (refusal !== undefined) return refuse(refusal);
  if (live === tracepoint) {
    const { trapReason } = tracepoint;
    return { ...site, performed: howPerformed(tracepoint), trapReason, refusal, ...known };
  }
  const foretold = foretell(inspection, probe, tracepoint);
  if (tracepoint.emulated || tracepoint.isStepped) {
    return { ...site, performed: howPerformed(tracepoint), ...foretold, refusal, ...known };
  }
  // The copy is tried where the original is: only its distance matters.
  const copied = image.slotsRefused === undefined && isa.displace(instruction, site.code, pc) !== undefined;
  return { ...site, performed: copied ? "slot" : "step", ...foretold, refusal, ...known };
}

/** Whether a tracepoint that is nowhere yet would be a trap if only a probe is on it, and why. */
function foretell(
  { fasttrap, recorded }: Inspection,
  probe: Probe,
  tracepoint: Tracepoint,
): Pick<SiteDetails, "trapReason" | "isCountable"> {
  tracepoint.link(probe);
  const fire = () => {};
  const trapReason = foretellTrap(fasttrap, probe, tracepoint, { captures: recorded, fire, recorded: fire });
  if (trapReason === undefined) return {};
  const isCountable = foretellTrap(fasttrap, probe, tracepoint, { fire, counted: fire }) === undefined;
  return { trapReason, ...isCountable && { isCountable } };
}

/** Why a tracepoint would be a trap if a consumer comes to its probe; undefined if it would be a jump. */
function foretellTrap(
  { jumps, tracepoints }: Fasttrap,
  probe: Probe,
  tracepoint: Tracepoint,
  consumer: Enabling,
): string | undefined {
  const { memory } = tracepoint.image;
  const code = (pc: Address, size: number) => {
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, memory.read(pc, bytes));
  };
  const { enablings } = probe;
  probe.enablings = [...enablings, consumer];
  try {
    return jumps.foretell({ tracepoints, code, flows: new Map() }, tracepoint);
  } finally {
    probe.enablings = enablings;
  }
}
