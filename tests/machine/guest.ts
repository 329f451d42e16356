/**
 * Runs commands in the machine, one after the other, and writes what they have left as lines of JSON.
 *
 * @module
 */

const [folder, ...commands] = Deno.args;
for (const command of commands) {
  const [program, ...args] = JSON.parse(command) as [string, ...string[]];
  const { code, stdout, stderr } = await new Deno.Command(program, { args, cwd: folder! }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  console.log(`\nOUTCOME ${JSON.stringify({ code, stdout: out, stderr: err })}`);
}
