/**
 * DTrace's user-level tracing for Linux: probes at the entry, the returns and any instruction of the functions of a
 * running program, without root, eBPF or a restart.
 *
 * @module
 */

export { DTraceError, SystemError } from "./lib/errors.ts";
export { Session } from "./lib/session/session.ts";
export type { EnableOptions, ListOptions, ProvidedDof, SessionOptions, StartOptions } from "./lib/session/options.ts";
export type { DofPlacement } from "./lib/session/static_probes.ts";
export type { TallyRequest } from "./lib/fasttrap/probe.ts";
export type { TallyBucket, TallyPart, TallyValues } from "./lib/tally.ts";
export type { Enabled, Unplaced } from "./lib/session/enabled.ts";
export type { ProbeIdentity, TraceEvent } from "./lib/session/event.ts";
export type { Target, TargetEnd } from "./lib/session/target.ts";
export type { SpawnOptions } from "./lib/process/spawn.ts";
export type { EvaluationTime } from "./lib/process/startup.ts";
export type { ProbeDescription, ProbeField } from "./lib/spec/probe_description.ts";
export type { Hit } from "./lib/fasttrap/hit.ts";
export type { BytesCapture, Capture, RegistersCapture, StackCapture, StringCapture } from "./lib/isa/captures.ts";
export type { HitRecord } from "./lib/fasttrap/hit_record.ts";
export type { ArgumentDetails, ProbeDetails, SemaphoreDetails, SiteDetails } from "./lib/fasttrap/inspect.ts";
export type { Device, ProbeSpec } from "./lib/fasttrap/device.ts";
export type { FasttrapStats, ProcessStats, ProviderStats, TableStats, TracepointStats } from "./lib/fasttrap/stats.ts";
