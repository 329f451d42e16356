/**
 * What tracing costs, with fasttrap, by hand, and with other tracers: the same questions about the same program, side by side.
 *
 * ```sh
 * deno task build && deno run -A bench/compare.ts                 # all, some 4 minutes
 * deno run -A bench/compare.ts --only=cost --rounds=3             # cost, programs, growth, starts
 * deno run -A bench/compare.ts --markdown                         # for the README
 * deno run -A bench/compare.ts --json > run.json                  # for programs; --read=run.json lays it out later
 * ```
 *
 * A peer that is not installed, or that the machine does not allow, is named with the reason. Nothing of it has to be there.
 * `compare/measure.ts` says how it is measured. Not a benchmark that `deno bench` finds, because it takes minutes.
 */

import { parseArgs } from "node:util";
import { fastTracepoint, lttng, perfCount, uftrace } from "./compare/built_peers.ts";
import { compareGrowth } from "./compare/growth.ts";
import { measure, type Question } from "./compare/measure.ts";
import { consumedByLibrary, countedByCommand, trapLoop, trappedByCommand, untraced } from "./compare/ours.ts";
import {
  bpftraceCount,
  bpftraceHistogram,
  bpftraceObstacle,
  bpftracePrint,
  gdbStops,
  ltraceCount,
} from "./compare/peers.ts";
import { comparePrograms } from "./compare/programs.ts";
import { describeMachine, formatMarkdown, formatText, type Report } from "./compare/report.ts";
import { compareStarts } from "./compare/start.ts";

const FUNCTIONS = ["pushed", "marked", "moved"] as const;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string" },
    read: { type: "string" },
    json: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const folder = await Deno.makeTempDir({ prefix: "compare" });
try {
  const report = values.read === undefined
    ? await compare()
    : JSON.parse(await Deno.readTextFile(values.read)) as Report;
  console.log(
    values.json ? JSON.stringify(report, null, 2) : values.markdown ? formatMarkdown(report) : formatText(report),
  );
} finally {
  await Deno.remove(folder, { recursive: true });
}

async function compare(): Promise<Report> {
  const begin = performance.now();
  const tell = (message: string) => console.error(`${((performance.now() - begin) / 1e3).toFixed(1)} s  ${message}`);
  const isWanted = (part: string) => values.only === undefined || values.only.split(",").includes(part);
  const machine = await describeMachine();
  const kernel = await bpftraceObstacle();
  return {
    machine,
    rounds,
    tables: isWanted("cost") ? await measure(questions(kernel), rounds, tell) : [],
    programs: isWanted("programs") ? await comparePrograms(rounds, kernel, tell) : [],
    growth: isWanted("growth") ? await compareGrowth(Math.ceil(rounds / 2), kernel, tell) : [],
    starts: isWanted("starts") ? await compareStarts(rounds, kernel, tell) : [],
  };
}

/** The questions, and who answers them. */
function questions(kernel: string | undefined): Question[] {
  return [
    {
      title: "Calls that nobody traces",
      ways: ([...FUNCTIONS, "compiled", "library"] as const).map((name) => untraced(name)),
    },
    {
      title: "Counting calls",
      ways: [
        untraced("counted", "by hand, in assembly"),
        ...FUNCTIONS.map(countedByCommand),
        ...FUNCTIONS.map((name) => bpftraceCount(name, kernel)),
        perfCount(folder),
        fastTracepoint("condition", folder),
        fastTracepoint("count", folder),
      ],
    },
    {
      title: "A power-of-two histogram of an argument",
      ways: [untraced("filled", "by hand, in assembly"), consumedByLibrary("histogram"), bpftraceHistogram(kernel)],
    },
    {
      title: "A record of each call, with its arguments",
      ways: [
        untraced("recorded", "by hand, in assembly: 64 bytes"),
        consumedByLibrary("record"),
        consumedByLibrary("calls"),
        lttng(folder),
        uftrace("-pg", folder),
        uftrace("-fpatchable-function-entry", folder),
        uftrace("as it is", folder),
        fastTracepoint("collect", folder),
        bpftracePrint("arguments", kernel),
      ],
    },
    {
      title: "A record with a string of 32 bytes",
      ways: [
        untraced("copied", "by hand, in assembly: 128 bytes"),
        consumedByLibrary("string"),
        bpftracePrint("string", kernel),
      ],
    },
    {
      title: "The thread stopped at each call",
      ways: [
        trapLoop(false),
        trapLoop(true),
        trappedByCommand(),
        consumedByLibrary("handler"),
        gdbStops("dprintf"),
        gdbStops("commands"),
        ltraceCount(),
      ],
    },
  ];
}
