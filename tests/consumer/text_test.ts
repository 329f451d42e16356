import { assertEquals } from "@std/assert";
import { formatMatched, formatProcessEnd, formatTotals, TEXT_HEADER, TextFormatter } from "../../lib/consumer/text.ts";
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
  const matched = (text: string, total: number) => formatMatched({ kind: "description", text }, total);
  assertEquals(matched("pid1::f:", 0), "dtrace: description 'pid1::f:' matched 0 probes\n");
  assertEquals(matched("pid1::f:entry", 1), "dtrace: description 'pid1::f:entry' matched 1 probe\n");
  assertEquals(formatMatched({ kind: "function", text: "f*" }, 1200), "dtrace: function 'f*' matched 1200 probes\n");
});

Deno.test("formatProcessEnd() says what dtrace says", () => {
  assertEquals(formatProcessEnd(12, { code: 0, signal: undefined }), "dtrace: pid 12 has exited\n");
  assertEquals(formatProcessEnd(12, { code: 7, signal: undefined }), "dtrace: pid 12 exited with status 7\n");
  assertEquals(formatProcessEnd(12, { code: undefined, signal: "SIGHUP" }), "dtrace: pid 12 terminated by SIGHUP\n");
  assertEquals(formatProcessEnd(12, { code: undefined, signal: undefined }), "dtrace: pid 12 has exited\n");
});

Deno.test("formatTotals() hides no loss", () => {
  assertEquals(formatTotals({ hitsTotal: 1, drops: {} }, 0), "fasttrap: 1 hit, no drops\n");
  assertEquals(
    formatTotals({ hitsTotal: 20, drops: { ring: 3, end: 1 } }, 2),
    "fasttrap: 20 hits, 3 drops (ring), 1 drop (end), 2 probes could not be placed\n",
  );
});
