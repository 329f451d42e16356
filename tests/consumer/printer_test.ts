import { assertEquals } from "@std/assert";
import { NdjsonPrinter, TextPrinter } from "../../lib/consumer/printer.ts";
import { makeEvent, makeProbe } from "./events.ts";

const ROW = "  1      3                     malloc:entry \n";
const TOTALS = { hitsTotal: 2, drops: {} };
const COUNTS = [{ probe: makeProbe(), hitsTotal: 2 }];

Deno.test("TextPrinter.format() prints the header in front of the first event", () => {
  const printer = new TextPrinter({ quiet: false });
  assertEquals(printer.format([]), "");
  assertEquals(printer.format([makeEvent([])]), `CPU     ID                    FUNCTION:NAME\n${ROW}`);
  assertEquals(printer.format([makeEvent([]), makeEvent([])]), ROW + ROW);
  assertEquals(printer.formatEnd(TOTALS, []), "\n");
});

Deno.test("TextPrinter.format() prints nothing when it is quiet", () => {
  const printer = new TextPrinter({ quiet: true });
  assertEquals(printer.format([makeEvent([])]), "");
  assertEquals(printer.formatEnd(TOTALS, COUNTS), `\n  pid1234:libc.so.6:malloc:entry${" ".repeat(36)}2\n`);
});

Deno.test("NdjsonPrinter.format() prints an object a line, and the end last", () => {
  const printer = new NdjsonPrinter();
  assertEquals(printer.format([]), "");
  const types = [printer.format([makeEvent([]), makeEvent([])]), printer.formatEnd(TOTALS, COUNTS)].join("").trimEnd()
    .split("\n").map((line) => JSON.parse(line).type);
  assertEquals(types, ["event", "event", "aggregation", "end"]);
});
