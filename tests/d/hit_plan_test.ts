import { assertEquals } from "@std/assert";
import { compileProgram } from "../../lib/d/compile.ts";
import { MemoryReads } from "../../lib/d/memory_reads.ts";
import { planHit, type WantedCapture } from "../../lib/d/hit_plan.ts";

/** A string has as many bytes at most. */
const STRSIZE = 256;

/** Why the last clause of a program needs the thread at its first probe; if it does not, what a record has to have. */
function planOf(source: string, strsize = STRSIZE) {
  const { clauses } = compileProgram(source, {
    macros: { arguments: [], variables: { target: 1 }, defaults: false },
  });
  const clause = clauses.at(-1)!;
  const memory = new MemoryReads(clauses, strsize);
  const { stopReason, captures } = planHit(clause, clause.probes[0]!, memory);
  return stopReason ?? captures;
}

/** Why the first clause of a program needs the thread at its first probe; undefined if all records are enough. */
function reasonOf(source: string): string | undefined {
  const plan = planOf(source);
  if (typeof plan === "string") return plan;
  assertEquals(plan, []);
  return undefined;
}

function text(argument: number, sizeBytes = STRSIZE, offsetBytes = 0, through?: number[]) {
  return { kind: "string" as const, argument, offsetBytes, sizeBytes, ...through && { through } };
}

function stack(words: number) {
  return { kind: "stack" as const, sizeBytes: 8 * words };
}

function bytes(argument: number, sizeBytes: number, offsetBytes = 0, through?: number[]) {
  return { kind: "bytes" as const, argument, offsetBytes, sizeBytes, ...through && { through } };
}

const ENTRY = "pid$target:a.out:f:entry";
const RETURN = "pid$target:a.out:f:return";

/** Clauses for which a record is enough. */
const RECORDED = [
  "",
  "/arg0 > 100/ { @[arg1] = count(); }",
  "{ trace(arg0 + arg1 + arg2 + arg3 + arg4 + arg5); }",
  '{ self->ts = timestamp; printf("%s %d %Y", probefunc, self->ts, walltimestamp); }',
  "{ @[pid, tid, cpu, id, epid, probeprov, probemod, probename] = quantize(arg2); }",
  "{ @[execname, uid, gid, ppid, curpsinfo->pr_psargs, curlwpsinfo->pr_lwpid] = sum(arg0); }",
  "/(self->x = arg0) > 2/ { x[arg0, tid] = 1; this->y = n++; if (this->y > 2) exit(this->y); }",
  '{ @a = lquantize(arg0, 0, 100, 10); printa("%@d", @a); clear(@a); trunc(@a, 5); normalize(@a, 2); }',
  "{ self->s = speculation(); speculate(self->s); trace(arg0); commit(self->s); discard(self->s); }",
  '{ system("date %d", arg0); freopen("/dev/null"); setopt("quiet"); }',
  '{ this->s = strjoin("a", lltostr(arg0)); @[this->s, strlen(this->s), stringof(this->s)] = max(rand()); }',
  "{ this->p = (int *)alloca(8); *this->p = arg0; trace(*this->p); bcopy(this->p, this->p + 1, 4); }",
  "{ @[usym(arg0), ufunc(arg1), stack()] = count(); uaddr(arg0); }",
  "{ @[caller, stackdepth, ipl, root, (long)curpsinfo->pr_addr, (long)curpsinfo->pr_envp] = count(); }",
  "/progenyof(1)/ { trace(basename(probemod)); }",
  '{ trace(inet_ntoa((ipaddr_t *)alloca(4))); trace(zonename); trace(htonl(1)); trace(json("{}", "a")); }',
];

const ELSEWHERE = "where no argument leads";

/** Clauses for which it is not, and why. */
const STOPPED: readonly (readonly [source: string, reason: string])[] = [
  ["{ trace(uregs[R_CS]); }", "its clause wants uregs[17]"],
  ["{ trace(uregs[R_FSBASE]); }", "its clause wants uregs[21]"],
  ["{ ustack(); }", "its clause walks the stack by ustack()"],
  ["{ @[jstack()] = count(); }", "its clause walks the stack by jstack()"],
  ["{ if (arg0) ustack(5); else trace(1); }", "its clause walks the stack by ustack()"],
  ["{ trace(ustackdepth); }", "its clause wants ustackdepth"],
  ["{ trace(vtimestamp); }", "its clause wants vtimestamp"],
  ["{ trace(errno); }", "its clause wants errno"],
  ["{ trace(cwd); }", "its clause wants cwd"],
  ["{ trace(curlwpsinfo->pr_state); }", "its clause wants curlwpsinfo->pr_state"],
  ["{ trace(curpsinfo->pr_nlwp); }", "its clause wants curpsinfo->pr_nlwp"],
  ["{ trace(copyinstr(arg0 + arg1)); }", "its clause reads memory by copyinstr() where no argument leads"],
  ["{ self->p = arg0; trace(copyinstr(self->p)); }", "its clause reads memory by copyinstr() where no argument leads"],
  ["{ trace(copyinstr((int)arg0)); }", "its clause reads memory by copyinstr() where no argument leads"],
  ["{ trace(copyinstr(4096)); }", "its clause reads memory by copyinstr() where no argument leads"],
  ["{ trace(copyinstr(arg0 + 0x80000000)); }", "its clause reads memory by copyinstr() where no argument leads"],
  ["{ this->p = copyin(arg0, arg1); }", "its clause reads memory by copyin(), as much as it computes"],
  ["{ copyin(arg1, arg2 < 64 ? 64 : arg2); }", "its clause reads memory by copyin(), as much as it computes"],
  ["{ copyin(arg1, arg3 > 64 ? 64 : arg2); }", "its clause reads memory by copyin(), as much as it computes"],
  ["{ copyin(arg1, arg2 == 64 ? 64 : arg2); }", "its clause reads memory by copyin(), as much as it computes"],
  ["{ this->p = copyin(arg0, 1025); }", "its clause reads memory by copyin(), more than 1024 bytes"],
  ["{ this->p = arg0; this->p++; copyin(this->p, 4); }", "its clause reads memory by copyin() where no argument leads"],
  [
    "{ this->p = arg0; this->p += 4; copyin(this->p, 4); }",
    "its clause reads memory by copyin() where no argument leads",
  ],
  [
    "{ this->p = arg0; this->p = this->p + 4; copyin(this->p, 4); }",
    "its clause reads memory by copyin() where no argument leads",
  ],
  [
    "{ this->p = arg0 ? arg0 : pid; copyin(this->p, 4); }",
    "its clause reads memory by copyin() where no argument leads",
  ],
  ["{ copyinto(arg0 * 2, 4, alloca(4)); }", "its clause reads memory by copyinto() where no argument leads"],
  [
    "{ print(*(userland struct { char a[1025]; } *)arg0); }",
    "its clause reads memory by a pointer, more than 1024 bytes",
  ],
  ["{ trace(copyinstr(*(long *)copyin(arg0, 4))); }", `its clause reads memory by copyinstr() ${ELSEWHERE}`],
  ["{ trace(copyinstr(*(int *)copyin(arg0, 8))); }", `its clause reads memory by copyinstr() ${ELSEWHERE}`],
  ["{ trace(copyinstr(((long *)copyin(arg0, 8))[1])); }", `its clause reads memory by copyinstr() ${ELSEWHERE}`],
  ["{ trace(copyinstr(((long *)copyin(arg0, 8))[arg1])); }", `its clause reads memory by copyinstr() ${ELSEWHERE}`],
  ["{ trace(copyinstr(*(long *)alloca(8))); }", `its clause reads memory by copyinstr() ${ELSEWHERE}`],
  [
    "{ this->p = (long *)copyin(arg0, 8); *this->p = 5; trace(copyinstr(*this->p)); }",
    `its clause reads memory by copyinstr() ${ELSEWHERE}`,
  ],
  [
    "{ this->p = (long *)copyin(arg0, 8); copyinto(arg1, 8, this->p); trace(copyinstr(*this->p)); }",
    `its clause reads memory by copyinstr() ${ELSEWHERE}`,
  ],
  ["{ trace(******(userland int ******)arg0); }", `its clause reads memory by a pointer ${ELSEWHERE}`],
  ["{ copyout(alloca(4), arg0, 4); }", "its clause writes memory by copyout()"],
  ['{ copyoutstr("a", arg0, 2); }', "its clause writes memory by copyoutstr()"],
  ["{ stop(); }", "its clause acts on the thread by stop()"],
  ["{ if (arg0) raise(9); }", "its clause acts on the thread by raise()"],
  ["{ chill(100); }", "its clause acts on the thread by chill()"],
];

/** Clauses for which a record is enough that has something of memory, and what. */
const CAPTURED: readonly (readonly [source: string, captures: WantedCapture[]])[] = [
  ["{ trace(arg6); }", [stack(2)]],
  ["/arg9 == 1/ { trace(arg7); }", [stack(5), stack(3)]],
  ["{ trace(uregs[R_RIP] + uregs[R_RSP]); }", [{ kind: "registers" }]],
  ["{ @[ucaller] = count(); trace(usym(ucaller)); }", [stack(2)]],
  ["{ trace(copyinstr(arg0)); }", [text(0)]],
  ["{ trace(copyinstr(arg5, 64)); }", [text(5, 64)]],
  ["{ trace(copyinstr(arg5, arg1)); }", [text(5)]],
  ["{ copyin(arg1, arg2 > 64 ? 64 : arg2); }", [bytes(1, 64)]],
  ["{ tracemem(copyin(arg1, arg2 <= 16 ? arg2 : 8), 8); }", [bytes(1, 16)]],
  ["{ trace(copyinstr(arg1, 1000)); trace(copyinstr(arg1)); trace(copyinstr(arg1, -1)); }", [text(1), text(1, 1)]],
  ['/copyinstr((uintptr_t)arg0) == "x"/ { @[copyinstr(arg1 + 8)] = count(); }', [text(0), text(1, STRSIZE, 8)]],
  ["{ this->p = copyin(arg0, 4); trace(*(int *)this->p); }", [bytes(0, 4)]],
  ["{ trace(*(int *)copyin(16 + arg0 - 4 * 2, sizeof(int))); }", [bytes(0, 4, 8)]],
  ["{ trace(stringof(copyin(arg1, 16))); copyin(arg1, 0); copyin(arg1, -1); }", [bytes(1, 16)]],
  ["{ copyinto(arg0, 4, alloca(4)); tracemem(copyin(arg2, 8), 8); tracemem(arg4, 4); }", [bytes(0, 4), bytes(2, 8)]],
  ["{ trace(copyinstr(arg0 ? arg0 : arg1)); copyinstr(0); }", [text(0), text(1)]],
  ["{ this->p = arg0; this->p = (arg2, arg1 + 1); trace(copyinstr(this->p + 1)); }", [
    text(0, 256, 1),
    text(1, 256, 2),
  ]],
  ["{ trace(copyinstr(this->p = arg3)); this->unset = (uintptr_t)0; trace(copyinstr(this->unset)); }", [text(3)]],
  ["{ this->p = arg0; } f:::entry { trace(copyinstr(this->p)); }", [text(0)]],
  ["{ trace(*(userland int *)arg0); }", [bytes(0, 4)]],
  ["{ trace(((userland short *)arg0)[3]); }", [bytes(0, 2, 6)]],
  ["{ print(*(userland struct { int a; int b; } *)arg0); }", [bytes(0, 8)]],
  ["{ trace(((userland struct { int a; char b; int c: 3; } *)arg0)->c); }", [bytes(0, 4, 4)]],
  ["{ trace(stringof((userland char *)arg0)); }", [text(0)]],
  ["{ trace(stringof(((userland struct { long a; char b[9]; } *)arg1)->b)); }", [text(1, 9, 8), bytes(1, 9, 8)]],
  ["{ this->p = copyin(*(long *)copyin(arg0, 8), 4); }", [bytes(0, 4, 0, [0]), bytes(0, 8)]],
  ["{ trace(copyinstr(*(uintptr_t *)copyin(arg1 + 8, 8))); }", [text(1, STRSIZE, 0, [8]), bytes(1, 8, 8)]],
  [
    "{ this->p = (struct { long a; char *b; } *)copyin(arg1, 16); trace(copyinstr((uintptr_t)this->p->b + 1, 9)); }",
    [bytes(1, 16), text(1, 9, 1, [8])],
  ],
  ["{ trace(**(userland int **)arg0); }", [bytes(0, 4, 0, [0]), bytes(0, 8)]],
  ["{ trace(*****(userland int *****)arg0); }", [
    ...[
      bytes(0, 4, 0, [0, 0, 0, 0]),
      bytes(0, 8, 0, [0, 0, 0]),
      bytes(0, 8, 0, [0, 0]),
      bytes(0, 8, 0, [0]),
      bytes(0, 8),
    ],
  ]],
  ["{ tracemem(*(userland long *)arg0, 4); }", [bytes(0, 4, 0, [0]), bytes(0, 8)]],
  ["{ trace(stringof(*(userland char **)arg0)); }", [text(0, STRSIZE, 0, [0]), bytes(0, 8)]],
  ["{ trace(stringof((userland char *)*(long *)copyin(arg0, 8))); }", [text(0, STRSIZE, 0, [0]), bytes(0, 8)]],
];

for (const source of RECORDED) {
  Deno.test(`planHit() finds nothing beyond a record in ${source || "a clause without statements"}`, () => {
    for (const probe of [ENTRY, RETURN, "pid$target:a.out:f:1f", "app$target:::request"]) {
      assertEquals(reasonOf(`${probe} ${source || "{ }"}`), undefined);
    }
  });
}

for (const [source, reason] of STOPPED) {
  Deno.test(`planHit() finds a reason to stop in ${source}`, () =>
    assertEquals(reasonOf(`${ENTRY} ${source}`), reason));
}

for (const [source, captures] of CAPTURED) {
  Deno.test(`planHit() finds what memory is read in ${source}`, () => {
    assertEquals(planOf(`${ENTRY} ${source}`), captures);
  });
}

Deno.test("planHit() follows variables to copies only in the clause that has made them", () => {
  const copies = `f:::entry { this->p = (long *)copyin(arg0, 8); }`;
  const uses = "trace(copyinstr(*this->p));";
  assertEquals(planOf(`${copies} ${ENTRY} { ${uses} }`), `its clause reads memory by copyinstr() ${ELSEWHERE}`);
  assertEquals(planOf(`${ENTRY} { this->p = (long *)copyin(arg0, 8); ${uses} }`), [
    bytes(0, 8),
    text(0, STRSIZE, 0, [0]),
  ]);
});

Deno.test("planHit() finds a reason to stop in strings that are longer than what can be captured", () => {
  assertEquals(
    planOf(`${ENTRY} { trace(copyinstr(arg0)); }`, 1025),
    "its clause reads memory by copyinstr(), more than 1024 bytes",
  );
  assertEquals(planOf(`${ENTRY} { trace(copyinstr(arg0)); }`, 1024), [text(0, 1024)]);
});

Deno.test("planHit() knows that all arguments are there when a function returns, and where else they are", () => {
  for (const probe of [RETURN, "objc$target:A:-b:return"]) {
    assertEquals(reasonOf(`${probe} { trace(arg1 + arg9); }`), undefined);
  }
  for (const probe of ["app$target:::return", "pid$target:a.out:f:", "p*:a.out:f:return"]) {
    assertEquals(planOf(`${probe} { trace(arg7); }`), [stack(3)]);
  }
});

Deno.test("planHit() finds a reason to stop in who calls a function, unless it has just been entered", () => {
  for (const probe of [RETURN, "pid$target:a.out:f:", "pid$target:a.out:f:1f", "app$target:::entry"]) {
    assertEquals(reasonOf(`${probe} { trace(ucaller); }`), "its clause wants ucaller");
  }
});
