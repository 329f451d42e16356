/**
 * Programs for each feature of the language, and the trees that the compiler makes of them.
 */

import { assertEquals } from "@std/assert";
import { compileProgram } from "../../lib/d/compile.ts";
import { formatProbeDescription } from "../../lib/spec/probe_description.ts";
import { clauseText } from "./tree_text.ts";

/** The probes of a clause with what it does. */
type Expected = readonly [probes: string, does: readonly string[]];

/** Compares a program's clauses with what is expected of them. */
function compiles(source: string, expected: readonly Expected[]): void {
  const macros = { arguments: ["x.d"], variables: { target: 77 }, defaults: false };
  const { clauses } = compileProgram(source, { isFile: true, macros });
  const found = clauses.map((clause) => [clause.probes.map(formatProbeDescription).join(", "), clauseText(clause)]);
  assertEquals(found as unknown as Expected[], expected);
}

Deno.test("compileProgram() of a clause without statements records that it fired", () => {
  compiles(
    "BEGIN {}",
    [
      [
        ":::BEGIN",
        [],
      ],
    ],
  );
});

Deno.test("compileProgram() of several probes of one clause", () => {
  compiles(
    "BEGIN, END, tick-1s { trace(probename); }",
    [
      [
        ":::BEGIN, :::END, :::tick-1s",
        [
          "trace probename:s",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of descriptions with globs, empty fields and macro variables", () => {
  compiles(
    "pid$target:libc.so*::entry, syscall:::, *:a.out:[a-f]?x*:return { trace(timestamp); }",
    [
      [
        "pid77:libc.so*::entry, syscall:::, *:a.out:[a-f]?x*:return",
        [
          "trace timestamp:u8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of names of C++, Go and Objective-C", () => {
  compiles(
    "pid1:a.out:main.(*T).Run:entry, objc1:Counter(Extra):-add?to?:entry, pid1::operator<<(int)@plt:entry { trace(1); }",
    [
      [
        "pid1:a.out:main.(*T).Run:entry, objc1:Counter(Extra):-add?to?:entry, pid1::operator<<(int)@plt:entry",
        [
          "trace 1:i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of a predicate with divisions", () => {
  compiles(
    "BEGIN /arg0 / 2 / 3 > 1/ { trace(4 / 2); }",
    [
      [
        ":::BEGIN",
        [
          "/(> (/ (/ arg0:i8 2:i4):i8 3:i4):i8 1:i4):i4/",
          "trace 2:i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of if and else", () => {
  compiles(
    "BEGIN { if (arg0 > 1) { trace(1); } else if (arg0) trace(2); else { trace(3); trace(4) } }",
    [
      [
        ":::BEGIN",
        [
          "if (> arg0:i8 1:i4):i4 {trace 1:i4} else {if arg0:i8 {trace 2:i4} else {trace 3:i4; trace 4:i4}}",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of comments of both kinds", () => {
  compiles(
    `BEGIN /* one */ { trace(1); // two / {
 trace(2); /* // */ }`,
    [
      [
        ":::BEGIN",
        [
          "trace 1:i4",
          "trace 2:i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of integers by their types", () => {
  compiles(
    "BEGIN { trace(1); trace(2147483648); trace(0xffffffff); trace(1u); trace(1ul); trace(1LL); trace(18446744073709551615); trace(017); }",
    [
      [
        ":::BEGIN",
        [
          "trace 1:i4",
          "trace 2147483648:i8",
          "trace 4294967295:u4",
          "trace 1:u4",
          "trace 1:u8",
          "trace 1:i8",
          "trace 18446744073709551615:u8",
          "trace 15:i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of characters", () => {
  compiles(
    "BEGIN { trace('a'); trace('\\n'); trace('ab'); trace('\\377'); trace('\\x41'); trace('\\''); }",
    [
      [
        ":::BEGIN",
        [
          "trace 97:i4",
          "trace 10:i4",
          "trace 24930:i4",
          "trace -1:i4",
          "trace 65:i4",
          "trace 39:i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of strings with escapes", () => {
  compiles(
    'BEGIN { trace("a\\tb\\"\\101\\x42\\n" "c"); trace("é"); }',
    [
      [
        ":::BEGIN",
        [
          'trace "a\\tb\\"AB\\nc":s',
          'trace "é":s',
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of arithmetic by precedence", () => {
  compiles(
    "BEGIN { trace(1 + 2 * 3 - 4 / 2 % 3); trace(arg0 + arg1 * 2); }",
    [
      [
        ":::BEGIN",
        [
          "trace 5:i4",
          "trace (+ arg0:i8 (* arg1:i8 2:i4):i8):i8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of bits and shifts", () => {
  compiles(
    "BEGIN { trace(1 << 4 | 3 & 2 ^ 1); trace(~arg0 >> 3); trace(ustackdepth >> 1); }",
    [
      [
        ":::BEGIN",
        [
          "trace 19:i4",
          "trace (>> (~ arg0:i8):i8 3:i4):i8",
          "trace (u>> ustackdepth:u4 1:i4):u4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of unsigned arithmetic", () => {
  compiles(
    "BEGIN { trace(ustackdepth / 2); trace(timestamp % 10); trace(arg0 / 2); }",
    [
      [
        ":::BEGIN",
        [
          "trace (u/ ustackdepth:u4 2:i4):u4",
          "trace (u% timestamp:u8 10:i4):u8",
          "trace (/ arg0:i8 2:i4):i8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of comparisons by their sign", () => {
  compiles(
    "BEGIN { trace(arg0 < 1); trace(timestamp < 1); trace(pid == uid); trace(-1 < 0u); }",
    [
      [
        ":::BEGIN",
        [
          "trace (< arg0:i8 1:i4):i4",
          "trace (u< timestamp:u8 1:i4):i4",
          "trace (u== pid:i4 uid:u4):i4",
          "trace 0:i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of logical operators", () => {
  compiles(
    "BEGIN { trace(arg0 && arg1 || !arg2); trace(arg0 ^^ arg1); trace(1 && 0); }",
    [
      [
        ":::BEGIN",
        [
          "trace (|| (&& arg0:i8 arg1:i8):i4 (! arg2:i8):i4):i4",
          "trace (^^ arg0:i8 arg1:i8):i4",
          "trace 0:i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of comparisons of strings", () => {
  compiles(
    'BEGIN /execname == "sh" && probefunc != "f"/ { trace(execname < "m"); }',
    [
      [
        ":::BEGIN",
        [
          '/(&& (== execname:s "sh":s):i4 (!= probefunc:s "f":s):i4):i4/',
          'trace (< execname:s "m":s):i4',
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of a condition in an expression", () => {
  compiles(
    'BEGIN { trace(arg0 ? 1 : arg1); trace(pid ? execname : "none"); x = 1 ? 2 : 3; }',
    [
      [
        ":::BEGIN",
        [
          "trace (conditional arg0:i8 1:i8 arg1:i8):i8",
          'trace (conditional pid:i4 execname:s "none":s):s',
          "(= global.x:i4 2:i4):i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of commas", () => {
  compiles(
    "BEGIN { x = (1, 2, arg0); }",
    [
      [
        ":::BEGIN",
        [
          "(= global.x:i8 (convert (comma 1:i4 2:i4 arg0:i8):i8):i8):i8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of assignments with operators", () => {
  compiles(
    "BEGIN { x = 1; x += 2; x -= arg0; x *= 2; x /= 3; x %= 4; x <<= 1; x >>= 1; x &= 1; x |= 2; x ^= 3; }",
    [
      [
        ":::BEGIN",
        [
          "(= global.x:i4 1:i4):i4",
          "(+= global.x:i4 2:i4):i4",
          "(-= global.x:i4 arg0:i8):i4",
          "(*= global.x:i4 2:i4):i4",
          "(/= global.x:i4 3:i4):i4",
          "(%= global.x:i4 4:i4):i4",
          "(<<= global.x:i4 1:i4):i4",
          "(>>= global.x:i4 1:i4):i4",
          "(&= global.x:i4 1:i4):i4",
          "(|= global.x:i4 2:i4):i4",
          "(^= global.x:i4 3:i4):i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of increments and decrements", () => {
  compiles(
    "BEGIN { x++; ++x; y = x--; --self->n; a[1]++; }",
    [
      [
        ":::BEGIN",
        [
          "(post global.x:i8 1):i8",
          "(pre global.x:i8 1):i8",
          "(= global.y:i8 (post global.x:i8 -1):i8):i8",
          "(pre thread.n:i8 -1):i8",
          "(post global.a[1:i4]:i8 1):i8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of an assignment of an assignment", () => {
  compiles(
    "BEGIN { x = y = 5; }",
    [
      [
        ":::BEGIN",
        [
          "(= global.x:i4 (= global.y:i4 5:i4):i4):i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of variables that are declared", () => {
  compiles(
    `int x;
self string s;
this uint8_t b;
char *names[int, string];
BEGIN { x = arg0; self->s = execname; this->b = 300; names[1, execname] = (char *)arg1; }`,
    [
      [
        ":::BEGIN",
        [
          "(= global.x:i4 (convert arg0:i8):i4):i4",
          "(= thread.s:s execname:s):s",
          "(= clause.b:u1 44:u1):u1",
          "(= global.names[1:i4, execname:s]:u8 (convert arg1:i8):u8):u8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of variables that come to be by their assignment", () => {
  compiles(
    'BEGIN { i = 1; s = "a"; p = (int *)arg0; t = timestamp; u = pid; }',
    [
      [
        ":::BEGIN",
        [
          "(= global.i:i4 1:i4):i4",
          '(= global.s:s "a":s):s',
          "(= global.p:u8 (convert arg0:i8):u8):u8",
          "(= global.t:u8 timestamp:u8):u8",
          "(= global.u:i4 pid:i4):i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of variables of threads", () => {
  compiles(
    "a:::entry { self->ts = timestamp; } a:::return /self->ts/ { @[probefunc] = quantize(timestamp - self->ts); self->ts = 0; }",
    [
      [
        "a:::entry",
        [
          "(= thread.ts:u8 timestamp:u8):u8",
        ],
      ],
      [
        "a:::return",
        [
          "/thread.ts:u8/",
          "@_[probefunc:s] = quantize((u- timestamp:u8 thread.ts:u8):u8, -)",
          "(= thread.ts:u8 0:u8):u8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of variables of clauses", () => {
  compiles(
    "BEGIN { this->a = 1; this->b = this->a + 1; }",
    [
      [
        ":::BEGIN",
        [
          "(= clause.a:i4 1:i4):i4",
          "(= clause.b:i4 (convert (+ clause.a:i4 1:i4):i4):i4):i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of associative arrays", () => {
  compiles(
    'BEGIN { a[1, "x"] = 1; a[arg0, execname] = arg1; trace(a[2, "y"]); self->q[pid] = 5; a[1, "x"] = 0; }',
    [
      [
        ":::BEGIN",
        [
          '(= global.a[1:i4, "x":s]:i4 1:i4):i4',
          "(= global.a[(convert arg0:i8):i4, execname:s]:i4 (convert arg1:i8):i4):i4",
          'trace global.a[2:i4, "y":s]:i4',
          "(= thread.q[pid:i4]:i4 5:i4):i4",
          '(= global.a[1:i4, "x":s]:i4 0:i4):i4',
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of a string that is freed", () => {
  compiles(
    'BEGIN { self->s = "a"; self->s = 0; }',
    [
      [
        ":::BEGIN",
        [
          '(= thread.s:s "a":s):s',
          '(= thread.s:s "":s):s',
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of a structure that the program declares", () => {
  compiles(
    `struct point { int x; char c; long y; };
BEGIN { this->p = (struct point *)copyin(arg0, sizeof (struct point)); trace(this->p->y); trace((*this->p).x); trace(sizeof (struct point)); }`,
    [
      [
        ":::BEGIN",
        [
          "(= clause.p:u8 (copyin (convert arg0:i8):u8 16:u8):u8):u8",
          "trace (load (u+ clause.p:u8 8:i8):u8):i8",
          "trace (load clause.p:u8):i4",
          "trace 16:u8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of a structure in a variable", () => {
  compiles(
    `struct s { int a; char b[6]; };
struct s g;
BEGIN { g.a = 5; trace(g.b[1]); trace(g.b); g = *(struct s *)arg0; }`,
    [
      [
        ":::BEGIN",
        [
          "(= (load (address global.g:b12):u8):i4 5:i4):i4",
          "trace (load (u+ (u+ (address global.g:b12):u8 4:i8):u8 1:i8):u8):i1",
          "trace (load (u+ (address global.g:b12):u8 4:i8):u8):b6",
          "(= global.g:b12 (load (convert arg0:i8):u8):b12):b12",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of structures in structures, named and not", () => {
  compiles(
    `struct s { int a; union { int b; char c[8]; }; struct { short d; short e; } f; };
BEGIN { p = (struct s *)arg0; trace(p->b); trace(p->c[2]); trace(p->f.e); trace(sizeof (*p)); }`,
    [
      [
        ":::BEGIN",
        [
          "(= global.p:u8 (convert arg0:i8):u8):u8",
          "trace (load (u+ global.p:u8 4:i8):u8):i4",
          "trace (load (u+ (u+ global.p:u8 4:i8):u8 2:i8):u8):i1",
          "trace (load (u+ (u+ global.p:u8 12:i8):u8 2:i8):u8):i2",
          "trace 16:u8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of bit-fields", () => {
  compiles(
    `struct s { unsigned int a : 3; unsigned int b : 7; int c : 30; char d; };
BEGIN { p = (struct s *)arg0; trace(p->a); trace(p->b); trace(p->c); trace(p->d); trace(sizeof (struct s)); }`,
    [
      [
        ":::BEGIN",
        [
          "(= global.p:u8 (convert arg0:i8):u8):u8",
          "trace (load global.p:u8 bits 0+3 of 4):u4",
          "trace (load global.p:u8 bits 3+7 of 4):u4",
          "trace (load (u+ global.p:u8 4:i8):u8 bits 0+30 of 4):i4",
          "trace (load (u+ global.p:u8 8:i8):u8):i1",
          "trace 12:u8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of unions", () => {
  compiles(
    `union u { int i; unsigned char b[4]; };
BEGIN { u = (union u *)arg0; trace(u->b[3]); }`,
    [
      [
        ":::BEGIN",
        [
          "(= global.u:u8 (convert arg0:i8):u8):u8",
          "trace (load (u+ global.u:u8 3:i8):u8):u1",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of enumerations", () => {
  compiles(
    `enum color { RED, GREEN = 5, BLUE };
BEGIN { trace(BLUE); x = RED; trace(x == GREEN); }`,
    [
      [
        ":::BEGIN",
        [
          "trace 6:i4",
          "(= global.x:i4 0:i4):i4",
          "trace (== global.x:i4 5:i4):i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of typedefs", () => {
  compiles(
    `typedef struct node { struct node *next; int v; } node_t;
typedef node_t *node_p;
BEGIN { n = (node_p)arg0; trace(n->next->next->v); }`,
    [
      [
        ":::BEGIN",
        [
          "(= global.n:u8 (convert arg0:i8):u8):u8",
          "trace (load (u+ (load (load global.n:u8):u8):u8 8:i8):u8):i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of pointers and arrays", () => {
  compiles(
    "BEGIN { p = (int *)arg0; trace(*p); trace(p[2]); trace(*(p + 2)); trace(&p[3] - p); p += 2; p++; }",
    [
      [
        ":::BEGIN",
        [
          "(= global.p:u8 (convert arg0:i8):u8):u8",
          "trace (load global.p:u8):i4",
          "trace (load (u+ global.p:u8 8:i8):u8):i4",
          "trace (load (u+ global.p:u8 8:i8):u8):i4",
          "trace (/ (- (u+ global.p:u8 12:i8):u8 global.p:u8):i8 4:i8):i8",
          "(+= global.p:u8 8:i8):u8",
          "(post global.p:u8 4):u8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of arrays of arrays", () => {
  compiles(
    `int m[3][4];
BEGIN { trace(m[1][2]); trace(sizeof (m)); }`,
    [
      [
        ":::BEGIN",
        [
          "trace (load (u+ (u+ (address global.m:b48):u8 16:i8):u8 8:i8):u8):i4",
          "trace 48:u8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of pointers to functions and arrays", () => {
  compiles(
    `struct ops { int (*open)(const char *, int); char (*rows)[4]; };
BEGIN { o = (struct ops *)arg0; trace(o->open); trace((*o->rows)[1]); printf("%p", o->open); }`,
    [
      [
        ":::BEGIN",
        [
          "(= global.o:u8 (convert arg0:i8):u8):u8",
          "trace (load global.o:u8):u8",
          "trace (load (u+ (load (u+ global.o:u8 8:i8):u8):u8 1:i8):u8):i1",
          'printf "%p{a0}" (load global.o:u8):u8',
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of casts", () => {
  compiles(
    "BEGIN { trace((char)arg0); trace((unsigned char)-1); trace((long)1u); trace((string)arg0); trace((void *)0); }",
    [
      [
        ":::BEGIN",
        [
          "trace (convert arg0:i8):i1",
          "trace 255:u1",
          "trace 1:i8",
          "trace (to-string arg0:i8):s",
          "trace 0:u8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of sizes and offsets", () => {
  compiles(
    `struct s { char a; long b; };
BEGIN { trace(sizeof (int)); trace(sizeof (struct s *)); trace(sizeof arg0); trace(offsetof(struct s, b)); trace(sizeof (string)); trace(sizeof (execname)); }`,
    [
      [
        ":::BEGIN",
        [
          "trace 4:u8",
          "trace 8:u8",
          "trace 8:u8",
          "trace 8:u8",
          "trace 256:u8",
          "trace 256:u8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of stringof", () => {
  compiles(
    `struct s { char n[8]; };
BEGIN { trace(stringof(arg0)); trace(stringof ((struct s *)arg0)->n); }`,
    [
      [
        ":::BEGIN",
        [
          "trace (to-string arg0:i8):s",
          "trace (to-string (load (convert arg0:i8):u8):b8 8):s",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of memory that is the program's by its type", () => {
  compiles(
    `userland struct s { int a; char *n; } *p;
BEGIN { p = (userland struct s *)arg0; trace(p->a); }`,
    [
      [
        ":::BEGIN",
        [
          "(= global.p:u8 (convert arg0:i8):u8):u8",
          "trace (load global.p:u8 user):i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of inlines", () => {
  compiles(
    `inline int LIMIT = 2 * 8;
inline string WHO = execname;
inline int IS_BIG[int n] = n > LIMIT;
BEGIN /IS_BIG[arg0]/ { trace(WHO); trace(LIMIT + 1); }`,
    [
      [
        ":::BEGIN",
        [
          "/(> (convert arg0:i8):i4 16:i4):i4/",
          "trace execname:s",
          "trace 17:i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of translators", () => {
  compiles(
    `struct in { int a; char n[8]; };
typedef struct out { int x; string s; } out_t;
translator out_t <struct in *i> { x = i->a + 1; s = stringof(i->n); };
BEGIN { trace(xlate <out_t *> ((struct in *)arg0)->x); trace(xlate <out_t> ((struct in *)arg0).s); }`,
    [
      [
        ":::BEGIN",
        [
          "trace (convert (+ (load (convert arg0:i8):u8):i4 1:i4):i4):i4",
          "trace (to-string (load (u+ (convert arg0:i8):u8 4:i8):u8):b8 8):s",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of a structure that a translator makes", () => {
  compiles(
    `struct in { int a; };
struct out { int x; int y; };
translator struct out <struct in *i> { y = i->a; };
struct out o;
BEGIN { o = xlate <struct out> ((struct in *)arg0); }`,
    [
      [
        ":::BEGIN",
        [
          "(= global.o:b8 (construct +4 (load (convert arg0:i8):u8):i4):b8):b8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of a provider with its probes", () => {
  compiles(
    `provider app { probe query__start(string, int); probe done(int a, char *b) : (char *b, int a); };
app123:::query-start { trace(args[0]); trace(args[1]); }`,
    [
      [
        "app123:::query-start",
        [
          "trace args0:s",
          "trace args1:i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of built-in variables", () => {
  compiles(
    "BEGIN { trace(caller); trace(cpu); trace(cwd); trace(epid); trace(errno); trace(execname); trace(gid); trace(id); trace(ipl); trace(pid); trace(ppid); trace(probemod); trace(probeprov); trace(root); trace(stackdepth); trace(tid); trace(ucaller); trace(uid); trace(vtimestamp); trace(walltimestamp); trace(zonename); }",
    [
      [
        ":::BEGIN",
        [
          "trace caller:u8",
          "trace cpu:i4",
          "trace cwd:s",
          "trace epid:u4",
          "trace errno:i4",
          "trace execname:s",
          "trace gid:u4",
          "trace id:u4",
          "trace ipl:u4",
          "trace pid:i4",
          "trace ppid:i4",
          "trace probemod:s",
          "trace probeprov:s",
          "trace root:s",
          "trace stackdepth:u4",
          "trace tid:i4",
          "trace ucaller:u8",
          "trace uid:u4",
          "trace vtimestamp:u8",
          "trace walltimestamp:i8",
          "trace zonename:s",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of arguments and registers", () => {
  compiles(
    "BEGIN { trace(arg0 + arg9); trace(uregs[R_RDI]); trace(uregs[R_SP]); }",
    [
      [
        ":::BEGIN",
        [
          "trace (+ arg0:i8 arg9:i8):i8",
          "trace (register 14:i4):u8",
          "trace (register 19:i4):u8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of what /proc tells", () => {
  compiles(
    "BEGIN { trace(curpsinfo->pr_psargs); trace(curpsinfo->pr_pid); trace((*curpsinfo).pr_fname); trace(curlwpsinfo->pr_lwpid); trace(curpsinfo->pr_flag); trace(curlwpsinfo->pr_clname); }",
    [
      [
        ":::BEGIN",
        [
          "trace curpsinfo.pr_psargs:s",
          "trace curpsinfo.pr_pid:i4",
          "trace curpsinfo.pr_fname:s",
          "trace curlwpsinfo.pr_lwpid:i4",
          "trace 0:i4",
          'trace "":s',
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of constants of the system", () => {
  compiles(
    "BEGIN { trace(SIGKILL); trace(ENOENT); trace(AF_INET6); trace(DTRACEFLT_DIVZERO); trace(NULL == (void *)arg0); }",
    [
      [
        ":::BEGIN",
        [
          "trace 9:i4",
          "trace 2:i4",
          "trace 10:i4",
          "trace 4:i4",
          "trace (u== 0:i4 (convert arg0:i8):u8):i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of trace, print and tracemem", () => {
  compiles(
    `struct s { int a; };
BEGIN { trace(execname); print(*(struct s *)arg0); tracemem(arg0, 32); tracemem(arg0, 64, arg1); }`,
    [
      [
        ":::BEGIN",
        [
          "trace execname:s",
          "print (load (convert arg0:i8):u8):b4",
          "tracemem arg0:i8 32",
          "tracemem arg0:i8 64 (convert arg1:i8):u8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of printf with every conversion", () => {
  compiles(
    'BEGIN { printf("%d %i %u %o %x %X %c %s %S %p %a %A %Y %T %k %wc %P %%\\n", 1, -1, 2u, 8, 255, 255, \'a\', "s", "t", arg0, arg0, ucaller, walltimestamp, walltimestamp, ustack(), 66, 80); }',
    [
      [
        ":::BEGIN",
        [
          'printf "%d{a0} %i{a1} %u{a2} %o{a3} %x{a4} %X{a5} %c{a6} %s{a7} %S{a8} %p{a9} %a{a10} %A{a11} %Y{a12} %T{a13} %k{a14} %wc{a15} %P{a16} %\\n" 1:i4 -1:i4 2:u4 8:i4 255:i4 255:i4 97:i4 "s":s "t":s arg0:i8 arg0:i8 ucaller:u8 walltimestamp:i8 walltimestamp:i8 (ustack - -):stack 66:i4 80:i4',
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of printf with flags, widths and sizes", () => {
  compiles(
    'BEGIN { printf("%-10s|%+5d|% d|%#x|%08.3d|%*d|%-*.*s|%hd %ld %lld|%?p|%\'d", "a", 1, 2, 3, 4, 5, 6, 7, 8, "b", 9, 10, 11, arg0, 12); }',
    [
      [
        ":::BEGIN",
        [
          'printf "%-10s{a0}|%+5d{a1}|% d{a2}|%#x{a3}|%08.3d{a4}|%*5d{a6}|%-*7.*8s{a9}|%hd{a10} %ld{a11} %lld{a12}|%16p{a13}|%\'d{a14}" "a":s 1:i4 2:i4 3:i4 4:i4 5:i4 6:i4 7:i4 8:i4 "b":s 9:i4 10:i4 11:i4 arg0:i8 12:i4',
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of printf of strings in memory", () => {
  compiles(
    `struct s { char n[8]; };
BEGIN { printf("%s %s", ((struct s *)arg0)->n, copyinstr(arg1)); }`,
    [
      [
        ":::BEGIN",
        [
          'printf "%s{a0} %s{a1}" (to-string (load (convert arg0:i8):u8):b8 8):s (copyinstr (convert arg1:i8):u8):s',
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of aggregations by each function", () => {
  compiles(
    "BEGIN { @a = count(); @b = sum(arg0); @c = avg(arg0); @d = min(arg0); @e = max(arg0); @f = stddev(arg0); @g = quantize(arg0); @h = lquantize(arg0, 0, 100, 10); @i = llquantize(arg0, 10, 0, 6, 20); }",
    [
      [
        ":::BEGIN",
        [
          "@a[] = count(-, -)",
          "@b[] = sum(arg0:i8, -)",
          "@c[] = avg(arg0:i8, -)",
          "@d[] = min(arg0:i8, -)",
          "@e[] = max(arg0:i8, -)",
          "@f[] = stddev(arg0:i8, -)",
          "@g[] = quantize(arg0:i8, -)",
          "@h[] = lquantize<0,100,10>(arg0:i8, -)",
          "@i[] = llquantize<10,0,6,20>(arg0:i8, -)",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of aggregations with increments", () => {
  compiles(
    "BEGIN { @ = quantize(arg0, arg1); @h = lquantize(arg0, 0, 100, 10, 2); @i = llquantize(arg0, 10, 0, 6, 20, -1); @j = lquantize(1, -5, 5); }",
    [
      [
        ":::BEGIN",
        [
          "@_[] = quantize(arg0:i8, arg1:i8)",
          "@h[] = lquantize<0,100,10>(arg0:i8, 2:i4)",
          "@i[] = llquantize<10,0,6,20>(arg0:i8, -1:i4)",
          "@j[] = lquantize<-5,5,1>(1:i4, -)",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of aggregations with keys", () => {
  compiles(
    'BEGIN { @[pid, execname, ustack(5), usym(arg0), "x"] = count(); @time[probefunc] = sum(timestamp); @time["z"] = sum(arg0); }',
    [
      [
        ":::BEGIN",
        [
          '@_[pid:i4, execname:s, (ustack 5 -):stack, (usym (convert arg0:i8):u8):symbol, "x":s] = count(-, -)',
          "@time[probefunc:s] = sum(timestamp:u8, -)",
          '@time["z":s] = sum(arg0:i8, -)',
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of what is done with aggregations", () => {
  compiles(
    'BEGIN { @a[pid] = count(); @b[pid] = sum(1); printa(@a); printa("%d %@d %@8u\\n", @a, @b); normalize(@a, 10); denormalize(@a); trunc(@a); trunc(@a, 5); clear(@b); }',
    [
      [
        ":::BEGIN",
        [
          "@a[pid:i4] = count(-, -)",
          "@b[pid:i4] = sum(1:i4, -)",
          "printa @a",
          'printa "%d{k0} %d{a0} %8u{a1}\\n" @a @b',
          "normalize @a 10:i4",
          "denormalize @a",
          "trunc @a",
          "trunc @a 5:i4",
          "clear @b",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of stacks and symbols", () => {
  compiles(
    "BEGIN { stack(); stack(5); ustack(); ustack(10, 500); jstack(20); uaddr(arg0); usym(arg0); umod(ucaller); ufunc(arg0); func(arg0); sym(arg0); mod(arg0); }",
    [
      [
        ":::BEGIN",
        [
          "trace (stack - -):stack",
          "trace (stack 5 -):stack",
          "trace (ustack - -):stack",
          "trace (ustack 10 500):stack",
          "trace (jstack 20 -):stack",
          "trace (uaddr (convert arg0:i8):u8):symbol",
          "trace (usym (convert arg0:i8):u8):symbol",
          "trace (umod ucaller:u8):symbol",
          "trace (ufunc (convert arg0:i8):u8):symbol",
          "trace (func (convert arg0:i8):u8):symbol",
          "trace (sym (convert arg0:i8):u8):symbol",
          "trace (mod (convert arg0:i8):u8):symbol",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of what changes the program", () => {
  compiles(
    'BEGIN { stop(); raise(SIGUSR1); copyout(alloca(4), arg0, 4); copyoutstr("a", arg0, 2); chill(1000); breakpoint(); panic(); }',
    [
      [
        ":::BEGIN",
        [
          "stop",
          "raise 10:i4",
          "(copyout (alloca 4:u8):u8 (convert arg0:i8):u8 4:u8):void",
          '(copyoutstr "a":s (convert arg0:i8):u8 2:u8):void',
          "chill 1000:i4",
          "breakpoint",
          "panic",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of what ends, runs and redirects", () => {
  compiles(
    'BEGIN { system("echo %s %d", execname, pid); freopen("/tmp/%d", pid); freopen("x"); ftruncate(); exit(1); }',
    [
      [
        ":::BEGIN",
        [
          'system "echo %s{a0} %d{a1}" execname:s pid:i4',
          'freopen "/tmp/%d{a0}" pid:i4',
          'freopen "x"',
          "ftruncate",
          "exit 1:i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of speculations", () => {
  compiles(
    "BEGIN { self->s = speculation(); } a:::entry /self->s/ { speculate(self->s); trace(1); } a:::return { commit(self->s); } END { discard(self->s); }",
    [
      [
        ":::BEGIN",
        [
          "(= thread.s:i4 (speculation):i4):i4",
        ],
      ],
      [
        "a:::entry",
        [
          "/thread.s:i4/",
          "speculate thread.s:i4",
          "trace 1:i4",
        ],
      ],
      [
        "a:::return",
        [
          "commit thread.s:i4",
        ],
      ],
      [
        ":::END",
        [
          "discard thread.s:i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of options that the program sets", () => {
  compiles(
    'BEGIN { setopt("quiet"); setopt("aggsortkey", "1"); }',
    [
      [
        ":::BEGIN",
        [
          'setopt "quiet":s',
          'setopt "aggsortkey":s="1":s',
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of subroutines of memory", () => {
  compiles(
    "BEGIN { p = (char *)alloca(10); copyinto(arg0, 10, p); bcopy(p, alloca(10), 5); q = copyin(arg0, 4); trace(copyinstr(arg0, 8)); p[1] = 65; *p = 'a'; }",
    [
      [
        ":::BEGIN",
        [
          "(= global.p:u8 (alloca 10:u8):u8):u8",
          "(copyinto (convert arg0:i8):u8 10:u8 global.p:u8):void",
          "(bcopy global.p:u8 (alloca 10:u8):u8 5:u8):void",
          "(= global.q:u8 (copyin (convert arg0:i8):u8 4:u8):u8):u8",
          "trace (copyinstr (convert arg0:i8):u8 8:u8):s",
          "(= (load (u+ global.p:u8 1:i8):u8):i1 65:i1):i1",
          "(= (load global.p:u8):i1 97:i1):i1",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of subroutines of strings", () => {
  compiles(
    'BEGIN { trace(strlen("abc")); trace(strjoin("a", execname)); trace(substr("abc", 1)); trace(substr("abc", 1, 2)); trace(strchr("abc", \'b\')); trace(strrchr("abc", 98)); trace(strstr("abc", "b")); trace(index("abc", "b")); trace(rindex("abc", "b", 2)); trace(strtok("a,b", ",")); trace(strtok(NULL, ",")); trace(tolower("A")); trace(toupper("a")); }',
    [
      [
        ":::BEGIN",
        [
          'trace (strlen "abc":s):u8',
          'trace (strjoin "a":s execname:s):s',
          'trace (substr "abc":s 1:i4):s',
          'trace (substr "abc":s 1:i4 2:i4):s',
          'trace (strchr "abc":s 98:i1):s',
          'trace (strrchr "abc":s 98:i1):s',
          'trace (strstr "abc":s "b":s):s',
          'trace (index "abc":s "b":s):i4',
          'trace (rindex "abc":s "b":s 2:i4):i4',
          'trace (strtok "a,b":s ",":s):s',
          'trace (strtok 0:i4 ",":s):s',
          'trace (tolower "A":s):s',
          'trace (toupper "a":s):s',
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of subroutines of paths and numbers", () => {
  compiles(
    'BEGIN { trace(basename("/a/b")); trace(dirname("/a/b")); trace(cleanpath("/a/../b")); trace(lltostr(arg0)); trace(lltostr(arg0, 16)); trace(strtoll("12")); trace(strtoll("ff", 16)); trace(json("{}", "a")); trace(rand()); trace(progenyof(1)); }',
    [
      [
        ":::BEGIN",
        [
          'trace (basename "/a/b":s):s',
          'trace (dirname "/a/b":s):s',
          'trace (cleanpath "/a/../b":s):s',
          "trace (lltostr arg0:i8):s",
          "trace (lltostr arg0:i8 16:i4):s",
          'trace (strtoll "12":s):i8',
          'trace (strtoll "ff":s 16:i4):i8',
          'trace (json "{}":s "a":s):s',
          "trace (rand):i4",
          "trace (progenyof 1:i4):i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of subroutines of networks", () => {
  compiles(
    "BEGIN { p = (ipaddr_t *)alloca(4); *p = htonl(0x7f000001); trace(inet_ntoa(p)); trace(inet_ntop(AF_INET, p)); trace(htons(80)); trace(ntohs(80)); trace(ntohl(1)); trace(htonll(1)); trace(ntohll(1)); trace(inet_ntoa6((in6_addr_t *)arg0)); trace(link_ntop(1, (void *)arg0)); trace(getmajor(259)); trace(getminor(259)); }",
    [
      [
        ":::BEGIN",
        [
          "(= global.p:u8 (alloca 4:u8):u8):u8",
          "(= (load global.p:u8):u4 (htonl 2130706433:u4):u4):u4",
          "trace (inet_ntoa global.p:u8):s",
          "trace (inet_ntop 2:i4 global.p:u8):s",
          "trace (htons 80:u2):u2",
          "trace (ntohs 80:u2):u2",
          "trace (ntohl 1:u4):u4",
          "trace (htonll 1:u8):u8",
          "trace (ntohll 1:u8):u8",
          "trace (inet_ntoa6 (convert arg0:i8):u8):s",
          "trace (link_ntop 1:i4 (convert arg0:i8):u8):s",
          "trace (getmajor 259:u8):u4",
          "trace (getminor 259:u8):u4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of locks of the kernel", () => {
  compiles(
    "BEGIN { trace(mutex_owned((void *)arg0)); trace(mutex_owner((void *)arg0)); trace(rw_read_held((void *)arg0)); trace(rw_iswriter((void *)arg0)); }",
    [
      [
        ":::BEGIN",
        [
          "trace (mutex_owned (convert arg0:i8):u8):i4",
          "trace (mutex_owner (convert arg0:i8):u8):u8",
          "trace (rw_read_held (convert arg0:i8):u8):i4",
          "trace (rw_iswriter (convert arg0:i8):u8):i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of pragmas", () => {
  compiles(
    `#!/usr/sbin/dtrace -s
#pragma ident "x"
#pragma D option quiet
#pragma D option bufsize=4m
#pragma D attributes Evolving/Evolving/Common x
#pragma D binding "1.0" x
int x;
BEGIN { x = 1; }`,
    [
      [
        ":::BEGIN",
        [
          "(= global.x:i4 1:i4):i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of lines of a preprocessor", () => {
  compiles(
    `# 1 "a.d"
# 1 "<built-in>"
#line 7 "a.d"
BEGIN { trace(1); }`,
    [
      [
        ":::BEGIN",
        [
          "trace 1:i4",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of floating-point numbers that are only printed", () => {
  compiles(
    `struct s { float f; double d; };
BEGIN { p = (struct s *)arg0; printf("%f %g", p->f, p->d); trace(p->d); }`,
    [
      [
        ":::BEGIN",
        [
          "(= global.p:u8 (convert arg0:i8):u8):u8",
          'printf "%f{a0} %g{a1}" (load global.p:u8):f4 (load (u+ global.p:u8 8:i8):u8):f8',
          "trace (load (u+ global.p:u8 8:i8):u8):f8",
        ],
      ],
    ],
  );
});

Deno.test("compileProgram() of several keys of an inline and of a comma", () => {
  compiles(
    `inline int SUM[int a, int b] = a + b;
BEGIN { trace(SUM[1, (2, 3)]); }`,
    [
      [
        ":::BEGIN",
        [
          "trace (convert (+ 1:i4 (convert (comma 2:i4 3:i4):i4):i4):i4):i4",
        ],
      ],
    ],
  );
});
