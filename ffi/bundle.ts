/**
 * Makes `dist/fasttrap.js`: the command in one file that can be copied anywhere and needs nothing beside it but Deno.
 *
 * ```
 * deno task bundle
 * deno run --allow-ffi dist/fasttrap.js --help
 * ```
 *
 * The C library is embedded as base64 and loaded through a file in memory. esbuild is named here and not in `deno.json`,
 * so that nobody downloads it who does not bundle.
 *
 * @module
 */

import { build, stop } from "npm:esbuild@0.28.2";

const ROOT = new URL("../", import.meta.url).pathname;
const OUTPUT = "dist/fasttrap.js";

/** The module that the bundle starts with. The command starts itself only when it is the main module: see `define`. */
const ENTRY = `
  import { main } from "./cli.ts";
  import library from "./build/libfasttrap.so";
  Deno.exit(await main(library));
`;

try {
  await build({
    stdin: { contents: ENTRY, resolveDir: ROOT, sourcefile: "entry.ts", loader: "ts" },
    absWorkingDir: ROOT,
    outfile: OUTPUT,
    bundle: true,
    // V8 reads half as much if no character needs two bytes.
    charset: "ascii",
    define: { "import.meta.main": "false" },
    external: ["node:*"],
    format: "esm",
    loader: { ".so": "binary" },
    // Names stay, for who reads a stack trace.
    minifySyntax: true,
    minifyWhitespace: true,
    platform: "neutral",
    target: "esnext",
  });
} finally {
  await stop();
}
const { size } = Deno.statSync(ROOT + OUTPUT);
console.log(`made ${OUTPUT} (${Math.round(size / 1024)} KiB)`);
