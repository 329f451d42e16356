import { assertEquals } from "@std/assert";
import { formatListingRow, LISTING_HEADER } from "../../lib/consumer/listing.ts";
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
