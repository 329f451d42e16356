/**
 * Checks that the C sources are laid out as `.clang-format` says; passes with a note where clang-format is not installed.
 *
 * @module
 */

const ROOT = new URL("../../", import.meta.url);
const FOLDERS = ["ffi", "tests/ffi", "tests/targets"];

/** The C files of a folder. */
function sourcesOf(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, ROOT))]
    .filter((entry) => /\.[ch]$/.test(entry.name))
    .map((entry) => `${folder}/${entry.name}`);
}

try {
  const args = ["--dry-run", "--Werror", ...FOLDERS.flatMap(sourcesOf)];
  const { code } = await new Deno.Command("clang-format", { args, cwd: ROOT, stderr: "inherit" }).output();
  Deno.exitCode = code;
} catch (error) {
  // A permission for a command that does not exist counts as refused.
  if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable)) throw error;
  console.log("skipped the layout of C: there is no clang-format\nhint: apt-get install -y clang-format");
}
