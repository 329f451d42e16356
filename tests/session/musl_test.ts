/** Programs with another C library and dynamic linker. */

import { assertEquals } from "@std/assert";
import { cString, openKernel } from "../../ffi/ffi.ts";
import { Session } from "../../mod.ts";
import { untraced, within } from "../support.ts";
import { traced } from "../tracing.ts";

const SOURCE = new URL("../targets/calls.c", import.meta.url).pathname;
const PLUGINS_SOURCE = new URL("../targets/plugins.c", import.meta.url).pathname;
const PLUGIN_SOURCE = new URL("../targets/plugin.c", import.meta.url).pathname;
const HAS_MUSL = await new Deno.Command("musl-gcc", { args: ["--version"], stdout: "null", stderr: "null" }).output()
  .then(({ success }) => success, () => false);

for (const flags of ["-pie -fPIE", "-no-pie", "-static", "-static-pie -fPIE"]) {
  Deno.test({
    name: `Session.enable() finds work() in a program with musl: ${flags}`,
    // musl-gcc is of the Debian package musl-tools.
    ignore: !HAS_MUSL,
    fn: async () => {
      const folder = await Deno.makeTempDir();
      try {
        const program = `${folder}/calls`;
        const args = ["-O1", ...flags.split(" "), SOURCE, "-o", program];
        assertEquals((await new Deno.Command("musl-gcc", { args }).output()).success, true);
        const work = "pid$target:a.out:work";
        const { hits, warnings, ...outcome } = await traced(program, [`${work}:entry`, `${work}:return`, `${work}:`], {
          args: [50],
        });
        assertEquals([hits.slice(0, 2), warnings], [[50, 50], []]);
        assertEquals(outcome, await untraced(program, { args: [50] }));
        using kernel = openKernel();
        const nothing = kernel.call.ft_open(cString("/dev/null"), 1);
        await using session = new Session({ signals: false });
        const target = session.spawn(program, { args: ["20"], stdin: nothing, stdout: nothing });
        const enabled = session.enable(`${work}:entry`, { handler: () => {} });
        await within(session.run(), "the end");
        assertEquals([enabled.hitsTotal, target.end], [20, { code: 7, signal: undefined }]);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

Deno.test({
  name: "Session.enable() traces a module that musl loads later, from its constructor on",
  ignore: !HAS_MUSL,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      for (const [source, flags] of [[PLUGINS_SOURCE, "-rdynamic -ldl"], [PLUGIN_SOURCE, "-shared -fPIC"]] as const) {
        const output = `${folder}/${source.replace(/^.*\/|\.c$/g, "")}`;
        const args = [source, "-o", output, ...flags.split(" ")];
        assertEquals((await new Deno.Command("musl-gcc", { args }).output()).success, true);
      }
      const program = `${folder}/plugins`;
      const args = [`${folder}/plugin`, 5, 1];
      const descriptions = ["start", "work"].map((name) => `pid$target:plugin:plugin_${name}:entry`);
      const { hits, warnings, ...outcome } = await traced(program, descriptions, { args, allowNone: true });
      // musl never unloads anything.
      assertEquals({ hits, warnings, stdout: outcome.stdout }, {
        hits: [1, 5],
        warnings: [],
        stdout: "1 places\n5 1 0 15\n",
      });
      assertEquals(outcome, await untraced(program, { args }));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
