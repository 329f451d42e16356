import { assertEquals, assertThrows } from "@std/assert";
import { formatHeader } from "../../lib/consumer/provider_header.ts";
import { compileProgram } from "../../lib/d/compile.ts";

const DECLARATION = "provider server { probe query__start(int, char *); probe idle(); };";

Deno.test("formatHeader() makes macros of DTrace's names, with a counter each", () => {
  const text = formatHeader(compileProgram(DECLARATION, { isFile: true }).providers, "my-probes.h");
  const lines = text.split("\n");
  assertEquals(lines.filter((line) => /^#(?:ifndef|define)/.test(line)), [
    "#ifndef _MY_PROBES_H",
    "#define _MY_PROBES_H",
    "#define _SDT_HAS_SEMAPHORES 1",
    "#define SERVER_QUERY_START(arg0, arg1) STAP_PROBE2(server, query__start, arg0, arg1)",
    "#define SERVER_QUERY_START_ENABLED() __builtin_expect(server_query__start_semaphore, 0)",
    "#define SERVER_IDLE() STAP_PROBE(server, idle)",
    "#define SERVER_IDLE_ENABLED() __builtin_expect(server_idle_semaphore, 0)",
  ]);
  assertEquals(lines.filter((line) => line.startsWith("/* ")), [
    "/* server:::query-start(int, char *) */",
    "/* server:::idle() */",
  ]);
});

Deno.test("formatHeader() throws RangeError on more arguments than a note can have", () => {
  const types = Array(13).fill("int").join(", ");
  const { providers } = compileProgram(`provider p { probe q(${types}); };`, { isFile: true });
  assertThrows(() => formatHeader(providers, "p.h"), RangeError, "p:::q: it has 13 arguments, of 12 at most");
});

/** Stands in for SystemTap's header, which need not be there: each probe calls a function. */
const STAND_IN = `
#ifndef STAND_IN
#define STAND_IN
extern int fired(int count);
#define STAP_PROBE(provider, name) fired(0)
#define STAP_PROBE2(provider, name, a, b) ((void)(a), (void)(b), fired(2))
#endif
`;
const MAIN = `
#include "p.h"
#include <stdio.h>
static int total;
int fired(int count) { return total += count + 1; }
extern int second(void);
int main(void) {
  if (SERVER_IDLE_ENABLED()) return 1;
  server_idle_semaphore++;
  SERVER_IDLE();
  SERVER_QUERY_START(1, "a");
  printf("%d %d\\n", total, second());
  return 0;
}
`;

Deno.test("formatHeader() makes what compiles without a warning in C, and is one counter for all files", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/sys`);
    await Deno.writeTextFile(`${folder}/sys/sdt.h`, STAND_IN);
    const { providers } = compileProgram(DECLARATION, { isFile: true });
    await Deno.writeTextFile(`${folder}/p.h`, formatHeader(providers, "p.h"));
    await Deno.writeTextFile(`${folder}/main.c`, MAIN);
    await Deno.writeTextFile(
      `${folder}/second.c`,
      '#include "p.h"\nint second(void);\nint second(void) { return SERVER_IDLE_ENABLED() != 0; }\n',
    );
    const compiler = new Deno.Command("cc", {
      args: ["-Wall", "-Wextra", "-Werror", "-I.", "-o", "program", "main.c", "second.c"],
      cwd: folder,
    });
    const { stderr } = await compiler.output();
    assertEquals(new TextDecoder().decode(stderr), "");
    const { stdout } = await new Deno.Command(`${folder}/program`).output();
    assertEquals(new TextDecoder().decode(stdout), "4 1\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
