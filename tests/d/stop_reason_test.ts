import { assertEquals } from "@std/assert";
import { compileProgram } from "../../lib/d/compile.ts";
import { findStopReason } from "../../lib/d/stop_reason.ts";

/** Why the first clause of a program needs the thread at its first probe. */
function reasonOf(source: string): string | undefined {
  const clause = compileProgram(source, { macros: { arguments: [], variables: { target: 1 }, defaults: false } })
    .clauses[0]!;
  return findStopReason(clause, clause.probes[0]!);
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
  "/progenyof(1)/ { trace(basename(probemod)); }",
  '{ trace(inet_ntoa((ipaddr_t *)alloca(4))); trace(zonename); trace(htonl(1)); trace(json("{}", "a")); }',
];

/** Clauses for which it is not, and why. */
const STOPPED: readonly (readonly [source: string, reason: string])[] = [
  ["{ trace(arg6); }", "its clause wants arg6"],
  ["/arg9 == 1/ { trace(1); }", "its clause wants arg9"],
  ["{ trace(uregs[R_RIP]); }", "its clause wants uregs[]"],
  ["{ ustack(); }", "its clause walks the stack by ustack()"],
  ["{ @[jstack()] = count(); }", "its clause walks the stack by jstack()"],
  ["{ if (arg0) ustack(5); else trace(1); }", "its clause walks the stack by ustack()"],
  ["{ trace(ustackdepth); }", "its clause wants ustackdepth"],
  ["{ @[ucaller] = count(); }", "its clause wants ucaller"],
  ["{ trace(vtimestamp); }", "its clause wants vtimestamp"],
  ["{ trace(errno); }", "its clause wants errno"],
  ["{ trace(cwd); }", "its clause wants cwd"],
  ["{ trace(curlwpsinfo->pr_state); }", "its clause wants curlwpsinfo->pr_state"],
  ["{ trace(curpsinfo->pr_nlwp); }", "its clause wants curpsinfo->pr_nlwp"],
  ["{ trace(copyinstr(arg0)); }", "its clause reads memory by copyinstr()"],
  ['/copyinstr(arg0) == "x"/ { trace(1); }', "its clause reads memory by copyinstr()"],
  ["{ this->p = copyin(arg0, 4); }", "its clause reads memory by copyin()"],
  ["{ copyinto(arg0, 4, alloca(4)); }", "its clause reads memory by copyinto()"],
  ["{ tracemem(copyin(arg0, 4), 4); }", "its clause reads memory by tracemem()"],
  ["{ trace(*(userland int *)arg0); }", "its clause reads memory"],
  ["{ print(*(userland struct { int a; int b; } *)arg0); }", "its clause reads memory"],
  ["{ trace(((userland struct { int a; } *)arg0)->a); }", "its clause reads memory"],
  ["{ trace(stringof((userland char *)arg0)); }", "its clause reads memory by stringof()"],
  ["{ copyout(alloca(4), arg0, 4); }", "its clause writes memory by copyout()"],
  ['{ copyoutstr("a", arg0, 2); }', "its clause writes memory by copyoutstr()"],
  ["{ stop(); }", "its clause acts on the thread by stop()"],
  ["{ if (arg0) raise(9); }", "its clause acts on the thread by raise()"],
  ["{ chill(100); }", "its clause acts on the thread by chill()"],
];

for (const source of RECORDED) {
  Deno.test(`findStopReason() finds none in ${source || "a clause without statements"}`, () => {
    for (const probe of [ENTRY, RETURN, "pid$target:a.out:f:1f", "app$target:::request"]) {
      assertEquals(reasonOf(`${probe} ${source || "{ }"}`), undefined);
    }
  });
}

for (const [source, reason] of STOPPED) {
  Deno.test(`findStopReason() finds one in ${source}`, () => assertEquals(reasonOf(`${ENTRY} ${source}`), reason));
}

Deno.test("findStopReason() knows that all arguments are there when a function returns, and then only", () => {
  assertEquals(reasonOf(`${RETURN} { trace(arg1 + arg2 + arg9); }`), undefined);
  assertEquals(reasonOf("objc$target:A:-b:return { trace(arg7); }"), undefined);
  assertEquals(reasonOf("app$target:::return { trace(arg7); }"), "its clause wants arg7");
  assertEquals(reasonOf("pid$target:a.out:f: { trace(arg7); }"), "its clause wants arg7");
});
