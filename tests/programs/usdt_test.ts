/**
 * Static probes of programs as Debian ships them: how often they fire, and with what, against the program's own count.
 */

import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import type { HitRecord } from "../../mod.ts";
import { readelfNotes } from "../object/stap_notes.ts";
import { run } from "../cli/command.ts";
import { runBoth, runTraced, runUntraced, testWith, Workshop } from "./real_program.ts";

const PYTHON = "/usr/bin/python3.11";
const PHP = "/usr/bin/php8.2";
const RUBY = "/usr/bin/ruby3.1";
const JVM = "/usr/lib/jvm/java-17-openjdk-amd64/lib/server/libjvm.so";
const LIBRARIES = "/usr/lib/x86_64-linux-gnu";

for (
  const path of [
    "/usr/lib/postgresql/15/bin/postgres",
    PYTHON,
    PHP,
    `${LIBRARIES}/libruby-3.1.so.3.1`,
    `${LIBRARIES}/libstdc++.so.6`,
    `${LIBRARIES}/libvirt.so.0`,
    `${LIBRARIES}/sssd/libsss_util.so`,
    "/usr/sbin/libvirtd",
    JVM,
  ]
) {
  testWith(["readelf", path], `fasttrap usdt list lists what readelf finds in ${path}`, async () => {
    const { code, stdout, stderr } = await run(["usdt", "list", "--format", "json", path]);
    assertEquals([code, stderr], [0, ""]);
    type Site = { address: number; semaphore?: number; arguments: { operand: string; place: { kind: string } }[] };
    const { providers } = JSON.parse(stdout) as {
      providers: { name: string; probes: { name: string; sites: Site[] }[] }[];
    };
    const found = providers.flatMap(({ name: provider, probes }) =>
      probes.flatMap(({ name, sites }) =>
        sites.map(({ address, semaphore, arguments: operands }) =>
          [provider, name, address, semaphore ?? 0, ...operands.map(({ operand }) => operand)].join(" ")
        )
      )
    );
    const expected = readelfNotes(path).map(({ provider, name, location, semaphore, operands }) =>
      [provider, name.replaceAll("__", "-"), location, semaphore, operands].join(" ").trim()
    );
    assertGreaterOrEqual(expected.length, 3);
    assertEquals(found.sort(), [...new Set(expected)].sort());
    const places = providers.flatMap(({ probes }) =>
      probes.flatMap(({ sites }) => sites.flatMap((site) => site.arguments))
    );
    assertEquals(places.filter(({ place }) => place.kind === "unknown"), []);
  });
}

testWith(["g++"], "Session traces throw, catch and rethrow of libstdc++, with the exceptions", async () => {
  using workshop = new Workshop();
  const program = workshop.compile(["g++", "-O1"], "throws.cc");
  const seen: Record<string, bigint[][]> = { throw: [], catch: [], rethrow: [] };
  const note = (name: string) => (_: unknown, hit: { argBigInt(index: number): bigint }) =>
    void seen[name]!.push([hit.argBigInt(0), hit.argBigInt(1)]);
  const { hits, probes, outcome } = await runTraced([program], {
    throw: "libstdcxx$target:::throw",
    catch: "libstdcxx$target:libstdc++.so.6:__cxa_begin_catch:catch",
    rethrow: "lib*$target:libstdc++::re*",
    all: "libstdc*$target:::",
  }, { handlers: { throw: note("throw"), catch: note("catch"), rethrow: note("rethrow") } });
  assertEquals(probes, { throw: 1, catch: 1, rethrow: 1, all: 3 });
  // The program prints for each exception its address, that of its type, and how often it was thrown again.
  const lines = outcome.stdout.trim().split("\n").map((line) => line.split(" "));
  assertEquals([lines.length, outcome.status], [6, 0]);
  const rows = lines.map(([object, type]) => [BigInt(object!), BigInt(type!)]);
  const again = lines.flatMap(([object, type, count]) =>
    Array.from({ length: Number(count) }, () => [BigInt(object!), BigInt(type!)])
  );
  assertEquals(seen["throw"], rows);
  assertEquals(seen["rethrow"], again);
  assertEquals(hits, { throw: 6, catch: 6 + again.length, rethrow: again.length, all: 12 + 2 * again.length });
  assertEquals(runUntraced([program]).stdout.split("\n").length, 7);
});

testWith(["g++"], "Session records throw, catch and rethrow of libstdc++ by jumps, with the exceptions", async () => {
  using workshop = new Workshop();
  const program = workshop.compile(["g++", "-O1"], "throws.cc");
  const seen: Record<string, bigint[][]> = {};
  const all = (hit: HitRecord) => void (seen[hit.probe.name] ??= []).push([hit.argBigInt(0), hit.argBigInt(1)]);
  const { ways, outcome, hits } = await runTraced([program], { all: "libstdcxx$target:::" }, { recorders: { all } });
  const lines = outcome.stdout.trim().split("\n").map((line) => line.split(" "));
  const rows = lines.map(([object, type]) => [BigInt(object!), BigInt(type!)]);
  const again = lines.flatMap(([object, type, count]) =>
    Array.from({ length: Number(count) }, () => [BigInt(object!), BigInt(type!)])
  );
  assertEquals([seen["throw"], seen["rethrow"]], [rows, again]);
  assertEquals([hits.all, [...ways.values()]], [12 + 2 * again.length, Array(3).fill(undefined)]);
});

testWith(
  [PYTHON],
  "Session counts in python3.11 the functions, lines and imports that the script counts itself",
  async () => {
    using workshop = new Workshop();
    const script = new URL("sources/usdt.py", import.meta.url).pathname;
    const calls: string[] = [];
    const lines: number[] = [];
    const imports: string[] = [];
    const { hits, outcome, warnings } = await runBoth([PYTHON, "-S", "-E", script], {
      entry: "python$target:::function-entry",
      return: "python$target:::function-return",
      line: "python$target:::line",
      import: "python$target:::import-find-load-start",
      imported: "python$target:::import-find-load-done",
      start: "python$target:::gc-start",
      done: "python$target:::gc-done",
    }, {
      cwd: workshop.path,
      handlers: {
        entry: (_session, hit) => {
          if (hit.readString(hit.arg(0)) === script) calls.push(`${hit.readString(hit.arg(1))} ${hit.arg(2)}`);
        },
        line: (_session, hit) => {
          if (hit.readString(hit.arg(0)) === script && hit.readString(hit.arg(1)) === "counted") lines.push(hit.arg(2));
        },
        import: (_session, hit) => void imports.push(hit.readString(hit.arg(0))!),
      },
    });
    const [ownCalls, ownLines, ownCollections] = outcome.stdout.trim().split("\n").map((line) => JSON.parse(line));
    assertEquals([calls.filter((call) => call.startsWith("counted")), lines], [ownCalls, ownLines]);
    assertEquals([ownCalls.length, ownLines.length], [20, 60]);
    assert(imports.includes("this_module_is_not_there") && imports.includes("colorsys"), imports.join());
    assertEquals([hits.return, hits.done, warnings], [hits.entry, hits.start, []]);
    // One import fails, which is not told by a probe of its own.
    assertEquals(hits.imported, hits.import);
    assertGreaterOrEqual(hits.start, ownCollections);
  },
);

testWith([PHP], "Session counts in php8.2 the functions that a script calls, with their names and lines", async () => {
  const script = new URL("sources/usdt.php", import.meta.url).pathname;
  const calls: string[] = [];
  const files: (string | undefined)[] = [];
  const { hits, outcome } = await runBoth([PHP, "-n", script], {
    entry: "php$target:::function-entry",
    return: "php$target:::function-return",
    request: "php$target:::request-startup",
    end: "php$target:::request-shutdown",
    compile: "php$target:::compile-file-entry",
    thrown: "php$target:::exception-thrown",
    caught: "php$target:::exception-caught",
  }, {
    env: { USE_ZEND_DTRACE: "1" },
    handlers: {
      entry: (_session, hit) => {
        const [name, file, scope, separator] = [0, 1, 3, 4].map((index) => hit.readString(hit.arg(index)));
        calls.push(`${scope}${separator}${name}`);
        files.push(file);
      },
    },
  });
  const own = JSON.parse(outcome.stdout) as string[];
  assertEquals(calls, ["main", ...own]);
  assertEquals([own.length, new Set(files)], [26, new Set([script])]);
  assertEquals([hits.return, hits.request, hits.end, hits.compile], [hits.entry, 1, 1, 1]);
  assertEquals([hits.thrown, hits.caught], [3, 3]);
  // Without the variable the probes of functions are not asked for by the program.
  const { hits: plain } = await runBoth([PHP, "-n", script], { entry: "php$target:::function-entry" });
  assertEquals(plain.entry, 0);
});

testWith([RUBY], "Session counts in ruby3.1 the methods that a script counts itself", async () => {
  const script = new URL("sources/usdt.rb", import.meta.url).pathname;
  const methods: string[] = [];
  const returns: string[] = [];
  const { hits, outcome, warnings } = await runBoth([RUBY, "--disable-gems", script], {
    entry: "ruby$target:::method-entry",
    return: "ruby$target:::method-return",
    raise: "ruby$target:::raise",
    string: "ruby$target:::string-create",
  }, {
    handlers: {
      entry: (_session, hit) => {
        const [owner, name, file] = [0, 1, 2].map((index) => hit.readString(hit.arg(index)));
        if (file === script) methods.push(`${owner}#${name} ${hit.arg(3)}`);
      },
      return: (_session, hit) => {
        if (hit.readString(hit.arg(2)) === script) returns.push(`${hit.readString(hit.arg(1))}`);
      },
    },
  });
  const [own, raised] = outcome.stdout.trim().split("\n").map((line) => JSON.parse(line)) as [string[], number];
  assertEquals([methods, own.length], [own, 24]);
  assertEquals([returns, warnings], [own.map((call) => call.replace(/.*#| .*/g, "")), []]);
  assertEquals(hits.raise, raised);
  assertGreaterOrEqual(hits.string, 10);
});

testWith([JVM], "Session counts in HotSpot, which is loaded by dlopen, the classes that its log counts", async () => {
  using workshop = new Workshop();
  const log = `${workshop.path}/classes`;
  const java = JVM.replace("lib/server/libjvm.so", "bin/java");
  const command = [java, "-Xshare:off", "-Xint", "-XX:+UseSerialGC", `-Xlog:class+load:file=${log}`, "-version"];
  const names: string[] = [];
  const { hits, outcome, warnings } = await runTraced(command, {
    loaded: "hotspot$target:::class-loaded",
    begin: "hotspot$target:::vm-init-begin",
    end: "hotspot$target:::vm-init-end",
    shutdown: "hotspot$target:::vm-shutdown",
  }, {
    allowNone: true,
    handlers: {
      // The name, its length, the loader, and whether it was shared.
      loaded: (_session, hit) => void names.push(new TextDecoder().decode(hit.readBytes(hit.arg(0), hit.arg(1)))),
    },
  });
  const logged = Deno.readTextFileSync(log).trim().split("\n").map((line) =>
    /\] (\S+) source:/.exec(line)?.[1] ?? line
  );
  assertEquals(outcome, runUntraced(command));
  assertEquals([hits.begin, hits.end, hits.shutdown, warnings], [1, 1, 1, []]);
  // Hidden classes have a number of this run.
  const plain = (list: readonly string[]) =>
    list.map((name) => name.replaceAll("/", ".").replace(/[+.]0x\w+$/, "")).sort();
  assertGreaterOrEqual(logged.length, 300);
  assertEquals(plain(names), plain(logged));
});
