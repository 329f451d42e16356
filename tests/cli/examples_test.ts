/**
 * The programs in `tests/d/examples/`: each shows a rule of the language's documentation, runs as users run it, and
 * prints, byte for byte, what stands beside it.
 *
 * The first line of NAME.d is the command line, FILE the program itself; a second line `exits N` says how it ends if
 * not with 0. NAME.out is its standard output, NAME.err what it says on standard error, if anything. Only what differs
 * from run to run is masked: pids, CPUs, and addresses of the program's own memory.
 */

import { assertEquals } from "@std/assert";
import { splitWords } from "../../lib/consumer/words.ts";
import { mask, run, START } from "./command.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const FOLDER = "tests/d/examples/";

const examples = [...Deno.readDirSync(ROOT + FOLDER)].map(({ name }) => name).filter((name) => name.endsWith(".d"));

for (const name of examples.map((file) => file.slice(0, -2)).sort()) {
  Deno.test(`fasttrap ${firstLine(name)} does what ${name} says`, async () => {
    const file = `${FOLDER}${name}.d`;
    const args = splitWords(firstLine(name)).map((word) => word === "FILE" ? file : word);
    const { code, stdout, stderr } = mask(
      await run(args, { permissions: START, cwd: ROOT, env: { TZ: "UTC", LC_ALL: "C" } }),
    );
    const shown = (text: string) =>
      text
        .replaceAll(file, "FILE")
        .replace(/^ {0,2}\d+(?= +\d+ +\S*:\S+ | +(?:->|<-|=>|<=|\|) )/gm, "  C")
        .replace(/(?<=drops? on CPU )\d+$/gm, "C")
        .replace(/(?<=`\w+)\+0x[0-9a-f]+/g, "+0xOFFSET")
        .replace(/\(0x8[0-9a-f]{15}\)/g, "(0xSCRATCH)")
        .replace(/^0x8[0-9a-f]{15}(?= = \*$)/gm, "0xSCRATCH");
    const exits = /^\/\/ exits (\d+)$/m.exec(Deno.readTextFileSync(`${ROOT}${file}`));
    assertEquals(shown(stdout), Deno.readTextFileSync(`${ROOT}${FOLDER}${name}.out`));
    assertEquals(shown(stderr), errorsOf(name));
    assertEquals(code, Number(exits?.[1] ?? 0));
  });
}

/** The command line of an example. */
function firstLine(name: string): string {
  const text = Deno.readTextFileSync(`${ROOT}${FOLDER}${name}.d`);
  const [, line] = /^\/\/ fasttrap (.*)$/m.exec(text) ?? [];
  if (line === undefined) throw new TypeError(`${name}.d does not begin with its command line`);
  return line;
}

/** What an example says on its standard error: nothing, unless there is a file of it. */
function errorsOf(name: string): string {
  try {
    return Deno.readTextFileSync(`${ROOT}${FOLDER}${name}.err`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
