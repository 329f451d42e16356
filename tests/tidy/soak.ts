/**
 * Runs all tests again and again, each time in another order and in their long forms (`FASTTRAP_SOAK=1`): a test that
 * depends on another one, or that fails once in a hundred runs, is a bug.
 *
 * The argument is the number of rounds, 10 by default. The seed of a round is its number, so that a failure can be repeated
 * with `deno test -A --shuffle=SEED`.
 *
 * @module
 */

const rounds = Number(Deno.args[0] ?? 10);
if (!Number.isSafeInteger(rounds) || rounds < 1) throw new RangeError(`Cannot run ${Deno.args[0]} rounds`);

for (let seed = 1; seed <= rounds; seed++) {
  console.log(`round ${seed} of ${rounds}`);
  const args = ["test", "-A", "--lock=deno.lock", "--reporter=dot", `--shuffle=${seed}`];
  const { code } = await new Deno.Command(Deno.execPath(), {
    args,
    env: { FASTTRAP_SOAK: "1" },
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (code !== 0) {
    console.error(`round ${seed} failed`);
    Deno.exit(code);
  }
}
