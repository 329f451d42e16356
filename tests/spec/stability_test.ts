import { assertEquals } from "@std/assert";
import { DEPENDENCY_CLASSES, formatAttributes, STABILITIES } from "../../lib/spec/stability.ts";

Deno.test("STABILITIES and DEPENDENCY_CLASSES have the numbers that DTrace gives them", () => {
  assertEquals([STABILITIES.indexOf("Internal"), STABILITIES.indexOf("Evolving"), STABILITIES.length], [0, 5, 8]);
  assertEquals(STABILITIES.indexOf("Standard"), 7);
  assertEquals([DEPENDENCY_CLASSES.indexOf("Unknown"), DEPENDENCY_CLASSES.indexOf("ISA")], [0, 4]);
  assertEquals(DEPENDENCY_CLASSES.indexOf("Common"), 5);
});

Deno.test("formatAttributes() writes name, data and class with slashes", () => {
  assertEquals(formatAttributes({ name: "Evolving", data: "Private", class: "ISA" }), "Evolving/Private/ISA");
});
