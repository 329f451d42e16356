/** D's `errno` in programs of several C libraries. */

import { assertEquals } from "@std/assert";
import { TARGETS } from "../support.ts";
import { run, START } from "./command.ts";

const SOURCE = new URL("../targets/errors.c", import.meta.url).pathname;
const HAS_MUSL = await new Deno.Command("musl-gcc", { args: ["--version"], stdout: "null", stderr: "null" }).output()
  .then(({ success }) => success, () => false);

/** Compares what a program is told of its errors with what a D program is told. */
async function check(program: string) {
  const told = 'pid$target:a.out:told:entry { printf("%d=%d ", arg0, errno); }';
  assertEquals(await run(["-qn", told, "--", program], { permissions: START }), {
    code: 0,
    stdout: "five times\n2=2 0=0 7=7 2=2 0=0 \n",
    stderr: "",
  });
  const { success, code, stdout } = await new Deno.Command(program).output();
  assertEquals([success, code, new TextDecoder().decode(stdout)], [false, 3, "five times\n"]);
}

for (const name of ["errors", "errors_static"]) {
  Deno.test(`fasttrap -n with errno tells that of the thread in ${name}`, () => check(`${TARGETS}${name}`));
}

for (const flags of ["-pie -fPIE", "-static"]) {
  Deno.test({
    name: `fasttrap -n with errno tells that of the thread with musl: ${flags}`,
    // musl-gcc is of the Debian package musl-tools.
    ignore: !HAS_MUSL,
    fn: async () => {
      const folder = await Deno.makeTempDir();
      try {
        const args = ["-O1", ...flags.split(" "), SOURCE, "-o", `${folder}/errors`];
        assertEquals((await new Deno.Command("musl-gcc", { args }).output()).success, true);
        await check(`${folder}/errors`);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

Deno.test("fasttrap -n with errno tells why a function of libc has failed", async () => {
  const args = [
    "-qn",
    'pid$target:libc.so.6:open:return /(int)arg1 == -1/ { printf("%d", errno); }',
    "--",
    "cat",
    "/nonexistent",
  ];
  const { stdout, stderr } = await run(args, { permissions: START });
  assertEquals([stdout, stderr], ["2\n", "cat: /nonexistent: No such file or directory\n"]);
});
