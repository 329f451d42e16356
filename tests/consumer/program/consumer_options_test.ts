import { assertEquals } from "@std/assert";
import {
  CONSUMER_DEFAULTS,
  type ConsumerOptions,
  setConsumerOption,
} from "../../../lib/consumer/program/consumer_options.ts";

/** Sets an option, and gives what it is then, or what is wrong. */
function set(name: string, value?: string, running = false): unknown {
  const options: ConsumerOptions = { ...CONSUMER_DEFAULTS };
  return setConsumerOption(options, name, value, running) ?? (options as unknown as Record<string, unknown>)[name];
}

Deno.test("setConsumerOption() reads sizes, times, counts, switches and words", () => {
  assertEquals([set("bufsize", "16k"), set("bufsize", "4M"), set("bufsize", "100"), set("aggsize", "1g")], [
    16384,
    4 << 20,
    100,
    1 << 30,
  ]);
  assertEquals(
    ["5", "5ns", "5us", "5ms", "5s", "2min", "10hz"].map((time) => set("switchrate", time)),
    [5, 5, 5e3, 5e6, 5e9, 120e9, 1e8],
  );
  assertEquals([set("quiet"), set("quiet", "0"), set("quiet", "on"), set("aggsortrev", "false")], [
    true,
    false,
    true,
    false,
  ]);
  assertEquals([set("nspec", "5"), set("bufpolicy", "ring")], [5, "ring"]);
});

Deno.test("setConsumerOption() refuses what is no value, in DTrace's words", () => {
  const refused = [
    ["bufsize", "-1"],
    ["bufsize", "1q"],
    ["bufsize", undefined],
    ["bufsize", "99999t"],
    ["strsize", "9t"],
    ["switchrate", "x"],
    ["switchrate", "0hz"],
    ["quiet", "maybe"],
    ["bufpolicy", "heap"],
    ["nspec", "1.5"],
    ["strsize", "1"],
  ] as const;
  for (const [name, value] of refused) {
    assertEquals(set(name, value), "Invalid value for specified option", `${name}=${value}`);
  }
  assertEquals(set("nonsense", "1"), "Invalid option name");
});

Deno.test("setConsumerOption() changes a running program only where that can be", () => {
  assertEquals(set("quiet", "1", true), true);
  assertEquals(set("bufsize", "1k", true), "Operation illegal when tracing is active");
});
