import { assertEquals } from "@std/assert";
import { formatDetails, formatListingRow, LISTING_HEADER } from "../../lib/consumer/listing.ts";
import { makeProbe } from "./events.ts";

Deno.test("LISTING_HEADER is dtrace's", () => {
  assertEquals(LISTING_HEADER, "   ID   PROVIDER            MODULE                          FUNCTION NAME\n");
});

Deno.test("formatListingRow() aligns a row as dtrace does", () => {
  assertEquals(
    formatListingRow(makeProbe()),
    "    3    pid1234         libc.so.6                            malloc entry\n",
  );
});

Deno.test("formatListingRow() does not cut what is too long", () => {
  const probe = makeProbe({ id: 123456, provider: "pid12345678", function: "f".repeat(40), name: "1f" });
  assertEquals(formatListingRow(probe), `123456 pid12345678         libc.so.6 ${"f".repeat(40)} 1f\n`);
});

Deno.test("formatListingRow() shows the types of a static probe's arguments, and nothing that a terminal obeys", () => {
  const probe = makeProbe({
    provider: "demo7",
    function: "a\x1b[31mb",
    name: "go\n",
    argumentTypes: ["int", "", "char *"],
  });
  assertEquals(
    formatListingRow(probe),
    `    3 ${"demo7".padStart(10)} ${"libc.so.6".padStart(17)} ${
      "a\\x1b[31mb".padStart(33)
    } go\\x0a(int, unknown, char *)\n`,
  );
  assertEquals(formatListingRow(makeProbe({ argumentTypes: [] })).slice(-8), " entry()\n".slice(-8));
});

Deno.test("formatDetails() shows where the arguments of a static probe are, or why not, and its semaphores", () => {
  const words = { attributes: "Private/Private/Unknown", argumentAttributes: "Private/Private/Unknown" };
  const site = { offset: undefined, code: new Uint8Array([0x90]), performed: "emulated", refusal: undefined } as const;
  const text = formatDetails({
    ...words,
    argumentTypes: ["int32_t", "uint64_t"],
    sites: [
      {
        ...{ ...site, address: 16, trapReason: "a branch leads into the jump" },
        arguments: [
          { type: "int32_t", operand: "-4@%eax", problem: undefined },
          { type: "uint64_t", operand: "8@what\x07", problem: "it is not understood" },
        ],
      },
      { ...site, address: 32, isEnabledSite: true },
      { ...site, address: 48, performed: "jump" },
      { ...site, address: 56, trapReason: "it is too long", isCountable: true },
    ],
    semaphores: [{ address: 64, value: 2 }, { address: 66, value: undefined }],
  });
  assertEquals(
    text.slice(text.indexOf("\tSites")),
    `\tSites
\t\t0x10 emulated: 90
\t\t\ttrap: a branch leads into the jump
\t\t\targ0 int32_t = -4@%eax
\t\t\targ1 uint64_t = 8@what\\x07 (it is not understood)
\t\t0x20 asks whether the probe is enabled, emulated: 90
\t\t\tjump that counts or records each hit
\t\t0x30 jump: 90
\t\t0x38 emulated: 90
\t\t\ttrap, unless hits are only counted: it is too long

\tSemaphores
\t\t0x40 is 2
\t\t0x42 cannot be read

`,
  );
});

Deno.test("formatDetails() shows types of arguments, and why there can be no probe", () => {
  const text = formatDetails({
    attributes: "Evolving/Stable/ISA",
    argumentAttributes: "Private/Private/Unknown",
    argumentTypes: ["int", ""],
    sites: [
      {
        address: 0x401156,
        offset: undefined,
        code: new Uint8Array([0xf3, 0x0f]),
        performed: "step",
        refusal: undefined,
      },
      { address: 0x401158, offset: 2, code: new Uint8Array(), performed: undefined, refusal: "it is none" },
    ],
  });
  assertEquals(
    text,
    `
\tProbe Description Attributes
\t\tIdentifier Names: Evolving
\t\tData Semantics:   Stable
\t\tDependency Class: ISA

\tArgument Attributes
\t\tIdentifier Names: Private
\t\tData Semantics:   Private
\t\tDependency Class: Unknown

\tArgument Types
\t\targs[0]: int
\t\targs[1]: (unknown)

\tSites
\t\t0x401156 step: f3 0f
\t\t\tjump that counts or records each hit
\t\t0x401158 (+0x2) cannot be probed: it is none

`,
  );
});
