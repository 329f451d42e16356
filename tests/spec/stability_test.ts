import { assertEquals } from "@std/assert";
import {
  attributesOf,
  DEPENDENCY_CLASSES,
  formatAttributes,
  isLess,
  parseAttributes,
  STABILITIES,
} from "../../lib/spec/stability.ts";

Deno.test("STABILITIES and DEPENDENCY_CLASSES have the numbers that DTrace gives them", () => {
  assertEquals([STABILITIES.indexOf("Internal"), STABILITIES.indexOf("Evolving"), STABILITIES.length], [0, 5, 8]);
  assertEquals(STABILITIES.indexOf("Standard"), 7);
  assertEquals([DEPENDENCY_CLASSES.indexOf("Unknown"), DEPENDENCY_CLASSES.indexOf("ISA")], [0, 4]);
  assertEquals(DEPENDENCY_CLASSES.indexOf("Common"), 5);
});

Deno.test("formatAttributes() writes name, data and class with slashes", () => {
  assertEquals(formatAttributes({ name: "Evolving", data: "Private", class: "ISA" }), "Evolving/Private/ISA");
});

Deno.test("attributesOf() reads numbers, also those beyond the lists", () => {
  assertEquals(formatAttributes(attributesOf({ name: 5, data: 1, class: 4 })), "Evolving/Private/ISA");
  assertEquals(formatAttributes(attributesOf({ name: 8, data: 255, class: 9 })), "Internal/Internal/Common");
});

Deno.test("parseAttributes() reads three words in letters of any case", () => {
  assertEquals(parseAttributes("evolving/PRIVATE/Isa"), { name: "Evolving", data: "Private", class: "ISA" });
  const wrong = ["", "Stable", "Stable/Stable", "Stable/Stable/Common/ISA", "Stable/Stable/Stable", "x/Stable/Common"];
  assertEquals(wrong.map(parseAttributes), wrong.map(() => undefined));
});

Deno.test("isLess() compares the first word that differs", () => {
  const wanted = parseAttributes("Evolving/Evolving/ISA")!;
  const compared = ["Evolving/Evolving/ISA", "Stable/Private/CPU", "Unstable/Stable/Common", "Evolving/Private/Common"];
  assertEquals(
    [...compared, "Evolving/Evolving/Group"].map((text) => isLess(parseAttributes(text)!, wanted)),
    [false, false, true, true, true],
  );
});
