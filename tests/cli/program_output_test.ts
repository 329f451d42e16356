/** Where the output of D programs goes, in order: system(), freopen(), ftruncate(). */

import { assertEquals } from "@std/assert";
import { ATTACH, run, START } from "./command.ts";

/** Runs a test in a folder of its own. */
async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("fasttrap -w lets system() write between what is printed before and after it", async () => {
  const source = 'BEGIN { printf("a\\n"); system("echo %s-%d; exit 3", "b", 4); printf("c\\n"); exit(0); }';
  assertEquals(await run(["-qwn", source], { permissions: START }), { code: 0, stdout: "a\nb-4\nc\n\n", stderr: "" });
});

Deno.test("fasttrap -w lets freopen() name a file, and go back", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/out`;
    await Deno.writeTextFile(`${path}1`, "old\n");
    const source = `BEGIN { printf("a\\n"); freopen("${path}%d", 1); printf("b\\n"); system("echo c"); freopen(""); ` +
      'printf("d\\n"); system("echo e"); exit(0); }';
    const screen = await run(["-qwn", source], { permissions: [...START, "--allow-write"] });
    assertEquals(screen, { code: 0, stdout: "a\nd\ne\n\n", stderr: "" });
    assertEquals(await Deno.readTextFile(`${path}1`), "old\nb\nc\n");
    const failing = `BEGIN { freopen("${folder}/no/out"); printf("a\\n"); exit(0); }`;
    assertEquals(await run(["-qwn", failing], { permissions: [...START, "--allow-write"] }), {
      code: 0,
      stdout: "a\n\n",
      stderr: `dtrace: Cannot open output file "${folder}/no/out": ENOENT\n`,
    });
  });
});

Deno.test("fasttrap -o lets ftruncate() empty the file", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/out`;
    await Deno.writeTextFile(path, "old\n");
    const source = 'BEGIN { printf("a\\n"); ftruncate(); printf("b\\n"); exit(0); }';
    const permissions = [...ATTACH, `--allow-write=${path}`];
    assertEquals((await run(["-qn", source, "-o", path], { permissions })).code, 0);
    assertEquals(await Deno.readTextFile(path), "b\n\n");
    assertEquals(await run(["-qn", source], { permissions }), {
      code: 0,
      stdout: "a\nb\n\n",
      stderr: "dtrace: ftruncate() is for files of -o and freopen()\n",
    });
  });
});

Deno.test("fasttrap -w asks for the permissions of actions before anything is traced", async () => {
  const refused = async (action: string, text: string) => {
    const source = `BEGIN { printf("begun"); ${action}; exit(0); }`;
    assertEquals(await run(["-wn", source], { permissions: ATTACH }), {
      code: 4,
      stdout: "",
      stderr: `fasttrap: ${text}\n`,
    });
  };
  await refused('system("true")', "Cannot run system(): Deno refuses it without --allow-run");
  await refused('freopen("/no/f")', 'Cannot write to "/no/f": Deno refuses it without --allow-write=/no/f');
  await refused('freopen("/no/%d", 1)', "Cannot write where freopen() says: Deno refuses it without --allow-write");
});
