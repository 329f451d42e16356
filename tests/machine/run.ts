/**
 * Runs test files in an emulated machine (`machine.ts`). Most of them were written for x86-64: their programs cannot all be compiled
 * for another machine, and what waits for something has far less time than the emulator needs. What fails has to be looked at.
 *
 * ```
 * FASTTRAP_AARCH64=FOLDER deno run -A tests/machine/run.ts tests/session/records_test.ts
 * ```
 *
 * Options, such as `--filter=NAME`, are those of `deno test`.
 *
 * @module
 */

import { Machine, missing, ROOT } from "./machine.ts";

const PROGRAM_FOLDERS = ["tests/targets", "tests/ffi"];

if (missing !== undefined) {
  console.error(`There is no emulated machine: ${missing}`);
  Deno.exit(1);
}
const programs = PROGRAM_FOLDERS.flatMap((folder) =>
  [...Deno.readDirSync(`${ROOT}/${folder}`)].filter(({ name }) => name.endsWith(".c")).map(({ name }) =>
    `${folder}/${name}`
  )
);
const [own, modules] = [true, false].map((isOption) => Deno.args.filter((arg) => arg.startsWith("--") === isOption));
const files = modules!.map((file) => `${ROOT}/${file}`);
const options = ["-A", "--no-check", "--no-lock", "--reporter=tap", `--config=${ROOT}/deno.json`, ...own!];
await using machine = await Machine.make(programs, ["cli.ts", ...modules!], [
  "/bin/deno",
  "test",
  ...options,
  ...files,
]);
const process = machine.start();
await process.stdout.pipeTo(Deno.stdout.writable, { preventClose: true });
await process.status;
