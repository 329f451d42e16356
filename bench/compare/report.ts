/**
 * What was found, as text, as JSON and as a section for the README.
 *
 * @module
 */

import type { GrowthRow } from "./growth.ts";
import type { Row, Spread, Table } from "./measure.ts";
import type { ProgramRow } from "./programs.ts";
import type { StartRow } from "./start.ts";
import { isInstalled, runTool } from "./tool.ts";

/** Everything that one run has found. */
export interface Report {
  /** Where and when, and with what. */
  readonly machine: Machine;
  /** How often everything was measured. */
  readonly rounds: number;
  /** What a hit costs, for each question. */
  readonly tables: readonly Table[];
  /** Programs of D and of bpftrace. */
  readonly programs: readonly ProgramRow[];
  /** Threads and processes. */
  readonly growth: readonly GrowthRow[];
  /** From the start to the first event. */
  readonly starts: readonly StartRow[];
}

/** Where and when, and with what. */
export interface Machine {
  /** The processor, as it calls itself. */
  readonly processor: string;
  /** How many CPUs there are. */
  readonly cpus: number;
  /** The kernel. */
  readonly kernel: string;
  /** The day. */
  readonly date: string;
  /** The commit of this repository. */
  readonly commit: string;
  /** The runtime and the peers that are installed, with their versions. */
  readonly versions: readonly string[];
  /** How many programs were waiting for a CPU or had one, on average, in the minute before the run. */
  readonly load: number;
}

/** Peers, and how they tell their version. */
const PEERS: readonly (readonly [name: string, option: string])[] = [
  ["bpftrace", "--version"],
  ["perf", "--version"],
  ["uftrace", "--version"],
  ["lttng", "--version"],
  ["gdb", "--version"],
  ["ltrace", "--version"],
];

/** Describes the machine. */
export async function describeMachine(): Promise<Machine> {
  const versions = [`deno ${Deno.version.deno}`];
  for (const [name, option] of PEERS) {
    if (!isInstalled(name)) continue;
    const said = await runTool([name, option]).catch(() => "");
    versions.push(`${name} ${/\d+(?:\.\d+)+/.exec(said.replace(/\(.*?\)/g, ""))?.[0] ?? "of no version"}`);
  }
  const cpuinfo = Deno.readTextFileSync("/proc/cpuinfo");
  const commit = await runTool(["git", "rev-parse", "--short", "HEAD"]).catch(() => "unknown");
  return {
    processor: /^model name\s*: (.*)$/m.exec(cpuinfo)?.[1] ?? "unknown",
    cpus: navigator.hardwareConcurrency,
    kernel: `Linux ${Deno.osRelease()}`,
    date: new Date().toISOString().slice(0, 10),
    commit: commit.trim(),
    versions,
    load: Deno.loadavg()[0]!,
  };
}

/**
 * Lays a report out as text for a terminal.
 *
 * @param report The report.
 * @returns Lines.
 */
export function formatText(report: Report): string {
  const lines = describeRun(report);
  for (const section of sectionsOf(report)) {
    const widths = section.head.map((_, i) =>
      Math.max(...[section.head, ...section.rows].map((row) => row[i]!.length))
    );
    const line = (cells: readonly string[]) =>
      cells.map((cell, i) => i === 0 || section.isText[i] ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join(
        "  ",
      )
        .trimEnd();
    lines.push(
      "",
      section.title,
      line(section.head),
      ...section.rows.map(line),
      ...section.reasons.map((reason) => `  not measured: ${reason}`),
    );
  }
  return lines.join("\n");
}

/**
 * Lays a report out for the README.
 *
 * @param report The report.
 * @returns Lines of Markdown.
 */
export function formatMarkdown(report: Report): string {
  const lines = [describeRun(report).join(" ")];
  for (const { title, head, isText, rows, reasons } of markdownSections(report)) {
    const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
    lines.push("", `${title}:`, "", line(head), line(head.map((_, i) => i === 0 || isText[i] ? "---" : "--:")));
    lines.push(...rows.map(line));
    if (reasons.length > 0) lines.push("", `Not measured: ${reasons.join("; ")}.`);
  }
  return lines.join("\n");
}

/** What a hit costs is one table here, with a row for each question in between. */
function markdownSections(report: Report): Section[] {
  const [first, ...rest] = report.tables.map(costSection);
  const others = sectionsOf({ ...report, tables: [] });
  if (first === undefined) return others;
  const rows = rest.flatMap((section) => [
    [`**${section.title}**`, "", "", ""],
    ...section.rows.map(([name, , hit, ratio, counted]) => [name!, hit!, ratio!, counted!]),
  ]);
  const untraced = first.rows.map(([name, call]) => `${name!.replace(/^untraced, /, "")} ${call}`).join(", ");
  return [{
    title: `What a hit costs beside the call itself (untraced: ${untraced})`,
    head: ["", "a hit", "times ours", "counted"],
    isText: [true, false, false, true],
    rows,
    reasons: rest.flatMap(({ reasons }) => reasons),
  }, ...others];
}

function describeRun({ machine, rounds }: Report): string[] {
  return [
    `${machine.processor}, ${machine.cpus} CPUs, ${machine.kernel}, load ${machine.load.toFixed(1)} before the run; ` +
    `${machine.date}, commit ${machine.commit}, ${machine.versions.join(", ")}.`,
    `Medians of ${rounds} rounds, in each of which every row is measured once; in brackets the lowest and the highest.`,
  ];
}

/** A table, whatever it is of. */
interface Section {
  readonly title: string;
  readonly head: readonly string[];
  /** Which columns, but for the first, are words. */
  readonly isText: readonly boolean[];
  readonly rows: readonly (readonly string[])[];
  readonly reasons: readonly string[];
}

function sectionsOf({ tables, programs, growth, starts }: Report): Section[] {
  return [
    ...tables.map(costSection),
    {
      title: "The same question in D and to bpftrace",
      head: ["", "by", "a hit", "CPU of the tracer", "times ours", "exact answers"],
      isText: [true, true, false, false, false, true],
      rows: withFigures(programs).map(({ title, tracer, hit, tracerCpu, ratio, exact }) => [
        ...[title, tracer, time(hit), time(tracerCpu), times(ratio), exact ?? ""],
      ]),
      reasons: reasonsOf(programs, ({ title, tracer }) => `${tracer} for ${title}`),
    },
    growthSection(growth),
    {
      title: "From the start of the command to its first event",
      head: ["", "ms"],
      isText: [true, false],
      rows: withFigures(starts).map(({ name, ms }) => [name, spread(ms, (value) => value.toFixed(0))]),
      reasons: reasonsOf(starts, ({ name }) => name),
    },
  ].filter(({ rows, reasons }) => rows.length + reasons.length > 0);
}

/** A row for each number of threads and processes, and a column for each tracer. */
function growthSection(growth: readonly GrowthRow[]): Section {
  const tracers = [...new Set(withFigures(growth).map(({ tracer }) => tracer))];
  const sizes = Map.groupBy(withFigures(growth), sizeName);
  return {
    title: "Millions of calls a second of all threads and processes together, counted",
    head: ["", ...tracers],
    isText: [true, ...tracers.map(() => false)],
    rows: [...sizes].map(([size, rows]) => [size, ...tracers.map((tracer) => growthCell(rows, tracer))]),
    reasons: reasonsOf(growth, (row) => `${row.tracer} for ${sizeName(row)}`),
  };
}

function growthCell(rows: readonly GrowthRow[], tracer: string): string {
  const row = rows.find((each) => each.tracer === tracer);
  const [exact, rounds] = row?.exact?.split(" of ") ?? [];
  return spread(row?.millions, round) + (exact === rounds ? "" : `, exact in ${exact} of ${rounds}`);
}

function costSection({ title, rows }: Table): Section {
  return {
    title,
    head: ["", "a call", "of it the hit", "times ours", "counted"],
    isText: [true, false, false, false, true],
    rows: withFigures(rows).map(({ way, call, hit, ratio, counted }: Row) => [
      ...[way.name, time(call), time(hit), times(ratio), counted ?? ""],
    ]),
    reasons: reasonsOf(rows, ({ way }) => way.name),
  };
}

function sizeName({ processes, threads }: GrowthRow): string {
  return processes === 1 ? `${threads} thread${threads === 1 ? "" : "s"}` : `${processes} processes`;
}

function withFigures<T extends { readonly reason?: string }>(rows: readonly T[]): T[] {
  return rows.filter(({ reason }) => reason === undefined);
}

/** What is not there: each reason once, with all that it stands for. */
function reasonsOf<T extends { readonly reason?: string }>(rows: readonly T[], name: (row: T) => string): string[] {
  const byReason = Map.groupBy(rows.filter(({ reason }) => reason !== undefined), ({ reason }) => reason);
  return [...byReason].map(([reason, missing]) => `${missing.map(name).join(", ")} (${reason})`);
}

function time(value: Spread | undefined): string {
  const us = value !== undefined && value.median >= 10_000;
  return spread(value, (ns) => us ? round(ns / 1e3) : round(ns), us ? " us" : " ns");
}

function times(value: Spread | undefined): string {
  return spread(value, round);
}

function round(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(2).replace(/e.*/, "");
}

function spread(value: Spread | undefined, format: (value: number) => string, unit = ""): string {
  if (value === undefined) return "";
  return `${format(value.median)}${unit} (${format(value.low)}-${format(value.high)})`;
}
