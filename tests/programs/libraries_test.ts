/**
 * Programs that live in their libraries: a database, cryptography, and a virtual machine with its own threads, code and
 * signals.
 */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { Session } from "../../mod.ts";
import { changedText, TargetProgram, tracerOf } from "../support.ts";
import { countWithGdb, runBoth, testWith, Workshop } from "./real_program.ts";

testWith(
  ["sqlite3", "gdb"],
  "Session counts in sqlite3 what gdb counts, with every function of libc traced",
  async () => {
    const rows = "with recursive list(n) as (select 1 union all select n + 1 from list where n < 100)";
    using workshop = new Workshop();
    const script = workshop.write("script", `${rows} select n, hex(n), round(n / 7.0, 3) from list;\n`);
    const command = ["sqlite3", "-batch", "-init", script, ":memory:", ".quit"];
    const expected = countWithGdb(command, "libsqlite3.so", ["sqlite3_step", "sqlite3_column_text"]);
    const { hits, outcome } = await runBoth(command, {
      step: "pid$target:libsqlite3.so.0:sqlite3_step:entry",
      stepReturn: "pid$target:libsqlite3.so.0:sqlite3_step:return",
      text: "pid$target:libsqlite3.so.0:sqlite3_column_text:entry",
      libcEntry: "pid$target:libc.so.6::entry",
      libcReturn: "pid$target:libc.so.6::return",
    });
    assertEquals(outcome.stdout.split("\n").length, 101);
    assertGreaterOrEqual(expected.sqlite3_step, 101);
    assertEquals([hits.step, hits.stepReturn], [expected.sqlite3_step, expected.sqlite3_step]);
    assertEquals(hits.text, expected.sqlite3_column_text);
    assertGreaterOrEqual(hits.libcEntry, 5000);
    assertGreaterOrEqual(hits.libcReturn, 5000);
  },
);

testWith(["openssl", "gdb"], "Session counts in openssl what gdb counts, and openssl computes the same", async () => {
  using workshop = new Workshop();
  const file = workshop.write("file", "fasttrap\n".repeat(10_000));
  const command = ["openssl", "dgst", "-sha256", file];
  const expected = countWithGdb(command, "libcrypto.so", ["EVP_DigestUpdate"]);
  const { hits } = await runBoth(command, {
    update: "pid$target:libcrypto.so.3:EVP_DigestUpdate:entry",
    updateReturn: "pid$target:libcrypto.so.3:EVP_DigestUpdate:return",
    everything: "pid$target:libcrypto.so.3:[E-S]*:entry",
  });
  assertGreaterOrEqual(expected.EVP_DigestUpdate, 10);
  assertEquals(hits.update, expected.EVP_DigestUpdate);
  assertEquals(hits.updateReturn, expected.EVP_DigestUpdate);
  assertGreaterOrEqual(hits.everything, 1000);
});

testWith(
  ["java", "javac"],
  "Session attaches to a Java program and leaves its signals, threads and collector alone",
  async () => {
    using workshop = new Workshop();
    workshop.compile(["javac", "-d", workshop.path], "Answers.java");
    await using program = await TargetProgram.start("/usr/bin/java", {
      args: ["-Xmx32m", "-cp", workshop.path, "Answers"],
    });
    const { pid } = program;
    const answer = async (line: number) => {
      await program.send(String(line));
      return await program.line();
    };
    assertEquals(await answer(1), "749820");
    {
      await using session = new Session({ signals: false });
      session.attach(pid);
      const enable = (rest: string) => session.enable(`pid${pid}:${rest}`, { handler: () => {} });
      const write = "libjava.so:Java_java_io_FileOutputStream_write";
      const counts = [enable(`${write}:entry`), enable(`${write}:return`)];
      const others = ["libjvm.so:J*:entry", "libjvm.so:J*:return", "libjava.so::entry", "libc.so.6:[a-l]*:entry"].map(
        enable,
      );
      const running = session.run();
      assertEquals([await answer(2), await answer(3)], ["899790", "1049760"]);
      session.stop();
      await running;
      assertEquals(counts.map(({ hitsTotal }) => hitsTotal), [15, 15]);
      for (const { hitsTotal } of others) assertGreaterOrEqual(hitsTotal, 10);
    }
    assertEquals([tracerOf(pid), changedText(pid)], [0, []]);
    assertEquals(await answer(1), "749820");
    assertEquals(await program.outcome(), { stdout: "", end: "exited 8" });
  },
);
