/**
 * D programs that read strings and bytes where arguments lead: what they print is the same whether each hit stops the thread, or
 * what they read is copied at the hit and the program goes on.
 */

import { assertEquals, assertGreaterOrEqual, assertMatch } from "@std/assert";
import { traceBoth } from "./both_ways.ts";

const READS = `
  pid$target:a.out:take:entry { printf("%s|", copyinstr(arg0)); }
  pid$target:a.out:take:entry { printf("%s|", copyinstr(arg0, 7)); }
  pid$target:a.out:take:entry { printf("%x|", *(uint64_t *)copyin(arg0, 8)); }
  pid$target:a.out:take:entry /arg1 != 5/ { this->p = arg0; printf("%s|", stringof(copyin(this->p + 3, 5))); }
  pid$target:a.out:take:entry { printf("%s|", copyinstr(arg0, arg1)); printf("%s|", copyinstr(arg0 + 2, arg1 - 3)); }
  pid$target:a.out:take:entry { printf("%s|", stringof(copyin(arg0, arg1 > 20 ? 20 : arg1))); }
  pid$target:a.out:take:entry { printf("%d\\n", *(userland short *)(arg0 + 1)); }
  pid$target:a.out:give:return { printf("%s<\\n", stringof((userland char *)arg1)); }
  pid$target:a.out:give:return { trace(*(char *)copyin(arg1 - 1, 1)); printf("\\n"); }
  ERROR { printf("error %d of %d at %x\\n", arg4, arg2, arg5 & 0xfff); }`;

for (const what of [["good"], ["bad"], ["changed", 300], ["stale", 40]]) {
  Deno.test(`fasttrap -n reads what arguments lead to in captures ${what.join(" ")} as it was at the hit`, async () => {
    const { own, stderr } = await traceBoth(READS, "captures", what);
    assertGreaterOrEqual(own.split("\n").length, 100);
    const errors = stderr.match(/invalid address \(0x[0-9a-fPAGE]+\) in action #\d+/g)?.length ?? 0;
    assertEquals(errors > 0, what[0] !== "changed");
    if (what[0] === "bad") assertMatch(stderr, /invalid address \(0x12345678\) in action #1/);
    if (what[0] === "changed") assertMatch(own, /^number 299\|number\|/m);
  });
}

Deno.test("fasttrap -x strsize cuts strings that are longer, also where they end in what cannot be read", async () => {
  const { own } = await traceBoth(READS, "captures", ["good"], "-x", "strsize=16");
  assertEquals(own.split("\n").some((line) => line.split("|")[0]!.length === 15), true);
});

Deno.test("fasttrap -n reads nothing for a clause whose predicate is false, and fails of nothing", async () => {
  const { own, stderr } = await traceBoth(
    `pid$target:a.out:take:entry /arg1 > 100 && copyinstr(arg0, 1) == "q"/ { trace(1); }
     pid$target:a.out:take:entry { @ = count(); } END { printa("%@d\\n", @); }`,
    "captures",
    ["bad"],
  );
  assertMatch(own, /^\d+\n\n$/);
  assertEquals(stderr, "");
});

for (
  const [program, source, texts] of [
    ["static_dof", "static_dof$target:::go", ["text", "ext"]],
    ["static_notes", "notes$target:::places", ["text"]],
  ] as const
) {
  Deno.test(`fasttrap -n reads the strings that ${source} passes, as text and as bytes`, async () => {
    const argument = program === "static_dof" ? "arg0" : "arg1";
    const { own, stderr } = await traceBoth(
      `${source} { printf("%s\\n", copyinstr(${argument})); } ${source} { @[stringof(copyin(${argument}, 3))] = count(); }`,
      program,
      [20],
    );
    assertEquals(stderr, "");
    assertEquals(own.match(/^e?x?t?e?x?t$/gm)?.length, 20 * texts.length);
  });
}

Deno.test("fasttrap -n reads a typed argument of a static probe as a string", async () => {
  const { own } = await traceBoth(
    `static_dof$target:::go { printf("%s %d\\n", stringof((userland char *)args[0]), (int)arg1); }`,
    "static_dof",
    [3],
  );
  assertEquals(own.trim().split("\n"), ["text 0", "ext 0", "text 1", "ext -1", "text 2", "ext -2"]);
});

/** All that can be had of registers and of the stack, where it does not differ from one run to the next. */
const REGISTERS = `
  pid$target:a.out:ten:entry
  { printf("%d %d %d %d from ", arg6, arg7, arg8, arg9); usym(ucaller); printf(" %x\\n", ucaller & 0xfff); }
  pid$target:a.out:ten:entry, pid$target:a.out:big:entry { self->sp = uregs[R_RSP]; }
  pid$target:a.out:ten:entry
  {
    printf("%d %d %d %d", uregs[R_RDI], (int)uregs[R_RSI], (int)uregs[R_RDX], (int)uregs[R_RCX]);
    printf(" %d %d %x\\n", (int)uregs[R_R8], (int)uregs[R_R9], uregs[R_RBP] & 7);
  }
  pid$target:a.out:ten:return, pid$target:a.out:big:return
  { printf("%s %d %x\\n", probefunc, uregs[R_RSP] - self->sp, uregs[R_PC] & 0xfff); }
  pid$target:a.out:ten:return { printf("flags %x, %d\\n", uregs[R_RFL], (int)uregs[R_RAX]); }`;

/** The same at each instruction, many of which are too close to each other for jumps. */
const INSTRUCTIONS = `
  pid$target:a.out:ten: { @arguments[probename, arg6 & 0xfff, (int)arg9] = count(); }
  pid$target:a.out:ten:, pid$target:a.out:big:, pid$target:a.out:two:
  { printf("%s %x %x %d\\n", probename, uregs[R_PC] & 0xfff, uregs[R_RFL] & ~0x8d5, (int)uregs[R_RAX] & 0xff); }`;

Deno.test("fasttrap -n tells arguments on the stack, callers and registers of functions as they were at the hit", async () => {
  const { own, stderr } = await traceBoth(REGISTERS, "arguments", []);
  assertEquals(stderr, "");
  assertMatch(own, /^7 -8 9 -10 from +arguments`main +[0-9a-f]+$/m);
  assertMatch(own, /^1 -2 3 -4 5 -6 0$/m);
  assertMatch(own, /^ten 8 [0-9a-f]+$/m);
  assertMatch(own, /^flags [0-9a-f]+, -55$/m);
});

Deno.test("fasttrap -n tells registers and arguments on the stack at each instruction of functions", async () => {
  const { own, stderr } = await traceBoth(INSTRUCTIONS, "arguments", []);
  assertEquals(stderr, "");
  assertMatch(own, /^ +entry +7 +-10 +1$/m);
});

/** What lists are, through pointers and through copies of them. */
const POINTERS = `
  struct node { uintptr_t next; uintptr_t name; long number; char text[32]; };
  struct user { userland struct user *next; userland char *name; long number; char text[32]; };
  pid$target:a.out:visit:entry { printf("%d ", arg1); }
  pid$target:a.out:visit:entry { printf("%s|", copyinstr(*(uintptr_t *)copyin(arg0 + 8, 8))); }
  pid$target:a.out:visit:entry {
    this->node = (struct node *)copyin(arg0, sizeof (struct node));
    printf("%d %s|", this->node->number, this->node->text);
    printf("%s|", copyinstr(this->node->name, 5));
    this->next = (struct node *)copyin(this->node->next, sizeof (struct node));
    printf("%d %s|", this->next->number, copyinstr(this->next->name + 1));
  }
  pid$target:a.out:visit:entry {
    this->user = (userland struct user *)arg0;
    printf("%d %s", this->user->next->next->number, stringof(this->user->next->next->name));
  }
  pid$target:a.out:visit:entry { printf("\\n"); }
  pid$target:a.out:find:return {
    this->found = (userland struct user *)arg1;
    printf("found %d %s %s\\n", this->found->number, stringof(this->found->next->text), stringof(this->found->name));
  }
  ERROR { printf("error %d of %d at %x\\n", arg4, arg2, arg5 & 0xfff); }`;

Deno.test("fasttrap -n follows pointers of lists as they were at the hit, and where they lead to nothing", async () => {
  const { own } = await traceBoth(POINTERS, "pointers", [40]);
  assertMatch(own, /^39 first\|39 text 39\|firs\|2 ame 39\|3 last\n/m);
  assertMatch(own, /^39 name 39\|2 second text\|name\|3 ast\|/m);
  assertMatch(own, /^found 39 second text first$/m);
});
