/** D programs that consist of files: scripts through the C preprocessor, D libraries, scripts that are commands. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { ATTACH, run, START } from "./command.ts";

/** Makes files in a folder, and runs a test with it. */
async function withFiles(files: Record<string, string>, test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      const path = `${folder}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const SCRIPT = `#!/usr/sbin/dtrace -Cs
#include "own.h"
#include <other.h>
#pragma D option quiet
BEGIN
{
#ifdef EXTRA
  printf("%s ", EXTRA);
#endif
  printf("%d %d %d %x", OWN, OTHER, __STDC__, __SUNW_D_VERSION);
  exit(0);
}
`;
const FILES = { "d/s.d": SCRIPT, "d/own.h": "#define OWN 1\n", "inc/other.h": "#define OTHER 2\n" };

Deno.test("fasttrap -C sends a script through the C preprocessor", async () => {
  await withFiles(FILES, async (cwd) => {
    const command = ["-C", "-I", "inc", "-s", "d/s.d"];
    const start = { permissions: START, cwd };
    assertEquals(await run(command, start), { code: 0, stdout: "1 2 0 2000000\n", stderr: "" });
    const more = ["-D", 'EXTRA="x"', "-Xc", "-x", "version=1.6.3"];
    assertEquals((await run([...more, ...command], start)).stdout, "x 1 2 1 1006003\n");
    assertEquals((await run([...more, ...command, "-U", "EXTRA"], start)).stdout, "1 2 1 1006003\n");
    assertStringIncludes((await run([...command, "-H"], start)).stderr, "inc/other.h\n");
  });
});

Deno.test("fasttrap -C says where a script is wrong before it was preprocessed, and what the preprocessor says", async () => {
  await withFiles({ ...FILES, "e.d": "#error no\nBEGIN { }\n" }, async (cwd) => {
    const start = { permissions: START, cwd };
    assertEquals(await run(["-C", "-Iinc", "-DEXTRA=y", "-s", "d/s.d", "-xerrtags"], start), {
      code: 1,
      stdout: "",
      stderr:
        'dtrace: failed to compile script d/s.d: [D_IDENT_UNDEF] "d/s.d", line 8: failed to resolve y: Unknown variable name\n',
    });
    const { code, stderr } = await run(["-C", "-s", "e.d"], start);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "e.d:1:2: error: #error no\n");
    assertStringIncludes(
      stderr,
      "dtrace: failed to compile script e.d: Preprocessor failed to process input program\n",
    );
    assertEquals(
      (await run(["-C", "-s", "e.d", "-x", "cpppath=no-such-cpp"], start)).stderr,
      "dtrace: failed to compile script e.d: Preprocessor not found\n",
    );
    assertEquals(await run(["-C", "-s", "e.d"], { permissions: ATTACH, cwd }), {
      code: 4,
      stdout: "",
      stderr: 'fasttrap: Cannot start the preprocessor "cpp": Deno refuses it without --allow-run\n',
    });
  });
});

Deno.test("fasttrap -L reads D libraries, and leaves out those of other systems", async () => {
  const libraries = {
    "lib/b.d": "#pragma D depends_on library a.d\n#pragma D depends_on provider dtrace\ninline int TWO = ONE + 1;\n",
    "lib/a.d": "typedef struct pair { int first; int second; } pair_t;\ninline int ONE = 1;\n" +
      "translator pair_t < int n > { first = n; second = n + ONE; };\n",
    "lib/io.d": "#pragma D depends_on module vmlinux\n#pragma D depends_on provider io\ninline int ONE = 7;\n",
    "lib/readme": "not D",
    "wrong/c.d": "inline int THREE = ;\n",
  };
  await withFiles(libraries, async (cwd) => {
    const start = { permissions: ATTACH, cwd };
    const source = 'BEGIN { printf("%d %d", TWO, xlate <pair_t> (5).second); exit(0); }';
    assertEquals(await run(["-L", "lib", "-L", "nowhere", "-qn", source], start), {
      code: 0,
      stdout: "2 6\n",
      stderr: 'fasttrap: there is no folder of D libraries "nowhere"\n',
    });
    assertEquals((await run(["-x", "libdir=lib", "-x", "nolibs", "-qn", source], start)).code, 1);
    assertEquals(
      (await run(["-L", "wrong", "-n", "BEGIN"], start)).stderr,
      'dtrace: invalid probe specifier BEGIN: "wrong/c.d", line 1: syntax error near ";"\n',
    );
  });
});

Deno.test("fasttrap -s runs a script that is a command of its own, with arguments", async () => {
  const cli = new URL("../../cli.ts", import.meta.url).pathname;
  const first = `#!/usr/bin/env -S ${Deno.execPath()} run --allow-ffi ${cli} -qs\n`;
  await withFiles({ "s.d": `${first}BEGIN { printf("%s %d", $$1, $2); exit(3); }\n` }, async (cwd) => {
    await Deno.chmod(`${cwd}/s.d`, 0o755);
    const { code, stdout } = await new Deno.Command(`${cwd}/s.d`, { args: ["word", "7"], cwd }).output();
    assertEquals([code, new TextDecoder().decode(stdout)], [3, "word 7\n"]);
  });
});

Deno.test("fasttrap -x accepts options of programs, and refuses values that are none", async () => {
  const accepted = ["pspec", "empty", "bufresize=manual", "version=1.0", "cppargs=-w", "define=A", "quiet"];
  const args = accepted.flatMap((option) => ["-x", option]);
  assertEquals((await run([...args, "-n", "BEGIN { exit(0); }"], { permissions: ATTACH })).code, 0);
  for (const option of ["stdc=q", "version=3.1", "define=", "bufresize=never"]) {
    assertEquals((await run(["-x", option, "-n", "BEGIN"], { permissions: ATTACH })).code, 1, option);
  }
});

Deno.test("fasttrap -h with a script writes the header of its providers, and needs permission for that", async () => {
  await withFiles({ "d/p.d": "provider p { probe a__b(int); };\n", "q.d": "provider 7;\n" }, async (cwd) => {
    assertEquals(await run(["-h", "-s", "d/p.d"], { permissions: ATTACH, cwd }), {
      code: 4,
      stdout: "",
      stderr: 'fasttrap: Cannot write to "p.h": Deno refuses it without --allow-write=p.h\n',
    });
    const permissions = [...ATTACH, "--allow-write"];
    assertEquals(await run(["-h", "-s", "d/p.d"], { permissions, cwd }), { code: 0, stdout: "", stderr: "" });
    assertStringIncludes(await Deno.readTextFile(`${cwd}/p.h`), "#define P_A_B(arg0) STAP_PROBE1(p, a__b, arg0)\n");
    assertEquals((await run(["-h", "-s", "d/p.d", "-o", "other.h"], { permissions, cwd })).code, 0);
    assertStringIncludes(await Deno.readTextFile(`${cwd}/other.h`), "#ifndef _OTHER_H\n");
    assertEquals((await run(["-h", "-s", "q.d"], { permissions, cwd })).code, 1);
  });
});
