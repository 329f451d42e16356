/** What identifies a provider. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { InvariantError } from "../../lib/errors.ts";
import { ProviderTable } from "../../lib/fasttrap/provider.ts";
import type { Image } from "../../lib/process/process.ts";
import { formatAttributes } from "../../lib/spec/stability.ts";
import { withTarget } from "../support.ts";
import { Traced } from "./traced.ts";

Deno.test("ProviderTable.find() tells providers of one name and different types apart", () =>
  withTarget("idle", async (target) => {
    using traced = new Traced(target);
    const { fasttrap: { providers }, process: { image } } = traced;
    const identities = [{ type: "pid", name: "same" }, { type: "usdt", name: "same" }] as const;
    const [first, second] = identities.map((identity) => providers.provide(identity, image));
    assert(first !== second);
    assertEquals(identities.map((identity) => providers.find(identity, image)), [first, second]);
    assertEquals(providers.provide(identities[0], image), first!);
    providers.retire(first!);
    assertEquals(identities.map((identity) => providers.find(identity, image)), [undefined, second]);
    assertEquals([first!.process, first!.process.activeTotal], [second!.process, 1]);
    // A new one of the name is another one, in the same incarnation.
    const third = providers.provide(identities[0], image);
    assertEquals([third === first, third.process === first!.process], [false, true]);
    await target.send();
  }));

Deno.test("ProviderTable.provide() gives pid, objc and oneshot the attributes that DTrace gives pid", () =>
  withTarget("idle", async (target) => {
    using traced = new Traced(target);
    const { fasttrap: { providers }, process: { image } } = traced;
    for (const type of ["pid", "objc", "oneshot"] as const) {
      const { attributes } = providers.provide({ type, name: type }, image);
      assertEquals(
        Object.fromEntries(Object.entries(attributes).map(([part, value]) => [part, formatAttributes(value)])),
        {
          provider: "Evolving/Evolving/ISA",
          module: "Private/Private/Unknown",
          function: "Private/Private/Unknown",
          name: "Evolving/Evolving/ISA",
          arguments: "Private/Private/Unknown",
        },
      );
    }
    await target.send();
  }));

Deno.test("ProviderTable.find() tells processes apart that fall into one bucket", () => {
  const table = new ProviderTable();
  const identity = { type: "pid", name: "pid" } as const;
  // Nothing of an image is looked at but whose it is.
  const images = [5, 5 + 256, 5 + 512].map((pid) => ({ pid, alive: true }) as Image);
  const made = images.map((image) => table.provide(identity, image));
  assertEquals(new Set(made.map(({ process }) => process)).size, 3);
  assertEquals(images.map((image) => table.find(identity, image)), made);
  assertEquals(images.map((image) => table.activeOf(image)), made.map((provider) => [provider]));
  table.retire(made[1]!);
  table.free(made[1]!);
  assertEquals(images.map((image) => table.find(identity, image)), [made[0], undefined, made[2]]);
  assertEquals([...table.processes].map(({ pid }) => pid), [5 + 512, 5]);
});

Deno.test("ProviderTable.free() refuses a provider that somebody counts on", () =>
  withTarget("idle", async (target) => {
    using traced = new Traced(target);
    const { fasttrap: { providers }, process: { image } } = traced;
    const provider = providers.provide({ type: "pid", name: "pid" }, image);
    for (const count of ["enabledTotal", "creatingTotal", "metaTotal"] as const) {
      provider[count] = 1;
      assertThrows(() => providers.free(provider), InvariantError);
      provider[count] = 0;
    }
    assertEquals([providers.providers.size, providers.processes.size], [1, 1]);
    providers.free(provider);
    assertEquals([providers.providers.size, providers.processes.size], [0, 0]);
    assertThrows(() => providers.free(provider), InvariantError);
    await target.send();
  }));
