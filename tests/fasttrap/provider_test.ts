/** What identifies a provider. */

import { assert, assertEquals } from "@std/assert";
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
