import { assertEquals } from "@std/assert";
import { FLOW_HEADER, FlowIndenter } from "../../../lib/consumer/records/flow_indent.ts";
import { formatDrops, formatFault } from "../../../lib/consumer/records/messages.ts";

Deno.test("formatFault() words errors as dtrace does", () => {
  const probe = { id: 1, provider: "dtrace", module: "", function: "", name: "BEGIN" };
  assertEquals(
    formatFault({ epid: 3, probe, fault: "badAddress", value: { lo: 0x10, hi: 0x7fff }, action: 1 }),
    "dtrace: error on enabled probe ID 3 (ID 1: dtrace:::BEGIN): invalid address (0x7fff00000010) in action #1\n",
  );
  assertEquals(
    formatFault({ epid: 3, probe, fault: "divideByZero", value: { lo: 0, hi: 0 }, action: 0 }),
    "dtrace: error on enabled probe ID 3 (ID 1: dtrace:::BEGIN): divide-by-zero in predicate\n",
  );
});

Deno.test("formatDrops() words drops by their kind", () => {
  assertEquals(formatDrops("principal", 1, { cpu: 0, tags: false }), "dtrace: 1 drop on CPU 0\n");
  assertEquals(formatDrops("principal", 1, { cpu: -1, tags: false }), "dtrace: 1 drop\n");
  assertEquals(
    formatDrops("aggregation", 12, { cpu: 3, tags: true }),
    "dtrace: [DTRACEDROP_AGGREGATION] 12 aggregation drops on CPU 3\n",
  );
  assertEquals(formatDrops("dynamic", 2, { tags: false }), "dtrace: 2 dynamic variable drops\n");
  assertEquals(
    formatDrops("specunavail", 1, { tags: false }),
    "dtrace: 1 failed speculation (no speculative buffer available)\n",
  );
  assertEquals(formatDrops("spec", 3, { tags: false }), "dtrace: 3 speculative drops\n");
});

/** Rows of one thread, as `function:name` with the number of the clause. */
function flow(rows: readonly string[]): string[] {
  const indenter = new FlowIndenter();
  const all = rows.map((row) => {
    const [, provider = "pid1", functionName, name, epid] = /^(?:(\w+)\/)?(\w+):([\w-]+)#(\d+)$/.exec(row)!;
    const id = provider.length + functionName!.length * 100 + name!.length;
    return { cpu: 1, epid: Number(epid), probe: { id, provider, function: functionName!, name: name! } };
  });
  return all.map((row, index) => indenter.format(row, all[index + 1]));
}

Deno.test("FLOW_HEADER is dtrace's", () => {
  assertEquals(FLOW_HEADER, `CPU FUNCTION${" ".repeat(33)}\n`);
});

Deno.test("FlowIndenter.format() indents calls, and marks what is neither call nor return", () => {
  assertEquals(
    flow(["main:entry#1", "parse:entry#1", "parse:1f#2", "parse:return#3", "main:return#3"]).map((row) =>
      row.trimEnd()
    ),
    ["  1  -> main", "  1    -> parse", "  1     | parse:1f", "  1    <- parse", "  1  <- main"],
  );
  assertEquals(flow(["main:entry#1"])[0], `  1 ${" -> main".padEnd(41)} `);
});

Deno.test("FlowIndenter.format() indents once for several clauses of a probe", () => {
  assertEquals(flow(["f:entry#1", "f:entry#2", "f:return#3", "f:return#4", "g:entry#5"]).map((row) => row.trimEnd()), [
    "  1  -> f",
    "  1   | f:entry",
    "  1   | f:return",
    "  1  <- f",
    "  1  -> g",
  ]);
});

Deno.test("FlowIndenter.format() gives system calls arrows of their own, and does not go below zero", () => {
  assertEquals(
    flow(["syscall/read:entry#1", "syscall/read:return#2", "f:return#3", "f:entry#4"]).map((row) => row.trimEnd()),
    [
      "  1  => read",
      "  1  <= read",
      "  1  <- f",
      "  1  -> f",
    ],
  );
});
