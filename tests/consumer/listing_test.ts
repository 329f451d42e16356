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
\t\t0x401158 (+0x2) cannot be probed: it is none

`,
  );
});
