import { assertEquals } from "@std/assert";
import { formatMatched, TEXT_HEADER, TextFormatter } from "../../lib/consumer/text.ts";
import { makeEvent, makeProbe } from "./events.ts";

Deno.test("TEXT_HEADER is dtrace's", () => {
  assertEquals(TEXT_HEADER, "CPU     ID                    FUNCTION:NAME\n");
});

Deno.test("TextFormatter.format() aligns a row as dtrace does", () => {
  const formatter = new TextFormatter();
  const row = "  1      3                     malloc:entry \n";
  assertEquals(formatter.format(makeEvent([])), row);
  assertEquals(formatter.format({ ...makeEvent([32n]), cpu: 64, tid: 9 }), ` 64${row.slice(3)}`);
});

Deno.test("TextFormatter.format() keeps the rows of probes apart", () => {
  const formatter = new TextFormatter();
  formatter.format(makeEvent([]));
  const probe = makeProbe({ id: 123456, function: "free", name: "1f" });
  assertEquals(formatter.format(makeEvent([], probe)), "  1 123456                          free:1f \n");
});

Deno.test("TextFormatter.format() does not cut what is too long", () => {
  const probe = makeProbe({ id: 1234567, function: "a_function_with_a_very_long_name" });
  const row = new TextFormatter().format({ ...makeEvent([], probe), cpu: 1024 });
  assertEquals(row, "1024 1234567 a_function_with_a_very_long_name:entry \n");
});

Deno.test("formatMatched() counts probes in English", () => {
  assertEquals(formatMatched("pid1::f:", 0), "description 'pid1::f:' matched 0 probes");
  assertEquals(formatMatched("pid1::f:entry", 1), "description 'pid1::f:entry' matched 1 probe");
  assertEquals(formatMatched("pid1::*:entry", 1200), "description 'pid1::*:entry' matched 1200 probes");
});
