/**
 * Python and the shell, running scripts; and compilers, which start other programs.
 */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { countWithGdb, runBoth, testWith, Workshop } from "./real_program.ts";

const PYTHON = "/usr/bin/python3";

testWith([PYTHON, "gdb"], "Session counts in python3 what gdb counts and what the script counts itself", async () => {
  const command = [PYTHON, "-S", "-E", new URL("sources/calls.py", import.meta.url).pathname];
  const expected = countWithGdb(command, "libc.so", ["_PyEval_EvalFrameDefault"]);
  const { hits, outcome } = await runBoth(command, {
    frame: "pid$target:a.out:_PyEval_EvalFrameDefault:entry",
    frameReturn: "pid$target:a.out:_PyEval_EvalFrameDefault:return",
    getppid: "pid$target:libc.so.6:getppid:entry",
    getppidReturn: "pid$target:libc.so.6:getppid:return",
    thread: "pid$target:libc.so.6:pthread_create:entry",
  });
  const ownCount = Number(outcome.stdout.trim().split("\n").at(-1));
  assertEquals([outcome.status, ownCount], [7, 100]);
  assertEquals([hits.getppid, hits.getppidReturn, hits.thread], [ownCount, ownCount, 4]);
  assertGreaterOrEqual(hits.frame, 500);
  assertEquals(hits.frame, expected._PyEval_EvalFrameDefault);
  // The program has no symbols for the parts of the function that the compiler has moved away, to be rarely executed:
  // a jump to one of them looks like a tail call, to us as to DTrace.
  assertGreaterOrEqual(hits.frameReturn, hits.frame);
});

testWith([PYTHON], "Session traces the whole C interface of python3, and the script prints the same", async () => {
  const { hits, probes } = await runBoth([PYTHON, "-S", "-E", "-c", "print({'a': [1, 2]}, end='!')"], {
    entry: "pid$target:a.out:Py[A-L]*:entry",
    return: "pid$target:a.out:Py[A-L]*:return",
  });
  assertGreaterOrEqual(probes.entry, 200);
  assertGreaterOrEqual(hits.entry, 1000);
  assertGreaterOrEqual(hits.return, 1000);
});

testWith(["bash"], "Session counts the children of a shell, whose pipelines and signals work as ever", async () => {
  const { hits } = await runBoth(["bash", new URL("sources/pipelines.sh", import.meta.url).pathname], {
    child: "pid$target:a.out:make_child:entry",
    childReturn: "pid$target:a.out:make_child:return",
    fork: "pid$target:libc.so.6:fork:return",
    libc: "pid$target:libc.so.6::entry",
    shell: "pid$target:a.out::entry",
  });
  assertEquals([hits.child, hits.childReturn, hits.fork], [14, 14, 14]);
  assertGreaterOrEqual(hits.libc, 5000);
  assertGreaterOrEqual(hits.shell, 1000);
});

testWith(["gcc"], "Session counts vfork() in gcc, whose programs compile the same object file", async () => {
  using workshop = new Workshop();
  const source = workshop.write("source.c", "int twice(int value) { return 2 * value; }\n");
  const object = `${workshop.path}/source.o`;
  const command = ["gcc", "-O1", "-c", source, "-o", object];
  const { hits } = await runBoth(command, {
    vfork: "pid$target:libc.so.6:vfork:entry",
    vforkReturn: "pid$target:libc.so.6:vfork:return",
    wait: "pid$target:libc.so.6:wait4:entry",
    libc: "pid$target:libc.so.6::entry",
  });
  // One child compiles, one assembles; vfork returns in each of them, which has its parent's memory, and in the parent.
  assertEquals([hits.vfork, hits.vforkReturn, hits.wait], [2, 4, 2]);
  const traced = Deno.readFileSync(object);
  const { hits: chain } = await runBoth(["sh", "-c", `exec /usr/bin/env NAME=value ${command.join(" ")}`], {
    execve: "pid$target:libc.so.6:execve:entry",
  });
  assertEquals(chain.execve, 1);
  assertEquals(Deno.readFileSync(object), traced);
});
