/**
 * A D program run twice on the same program: while each hit stops the thread, and on what jumps have recorded. It must print the same.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { TARGETS, untraced } from "../support.ts";
import { run, START } from "./command.ts";

/** What a D program prints of a program, without jumps and with them, which must be the same, and harm no program. */
export async function traceBoth(
  source: string,
  program: string,
  args: readonly (string | number)[],
  ...options: string[]
): Promise<{ own: string; stderr: string }> {
  const expected = await untraced(program, { args });
  const file = await Deno.makeTempFile();
  const screens = [];
  for (const jumps of ["off", "on"]) {
    const letters = ["-q", "-x", `jumps=${jumps}`, "-o", file, ...options];
    const { code, stdout, stderr } = await run([...letters, "-n", source, "--", TARGETS + program, ...args], {
      permissions: [...START, `--allow-write=${file}`],
    });
    assertEquals({ code, stdout }, { code: 0, stdout: `ready\n${expected.stdout}` }, stderr);
    // Where the program's memory is differs from one run to the next, but not by parts of pages.
    const masked = stderr.replaceAll(/pid\d+/g, "pidPID").replaceAll(/0x[5-7][0-9a-f]{8}(?=[0-9a-f]{3}\b)/g, "0xPAGE");
    screens.push({ own: await Deno.readTextFile(file), stderr: masked });
    await Deno.truncate(file);
  }
  await Deno.remove(file);
  assertEquals(screens[1], screens[0], source);
  return screens[1]!;
}
