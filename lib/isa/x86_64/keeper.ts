/**
 * The code that looks after a program whose tracer has died, and that makes system calls for one that lives.
 *
 * *The handler of SIGTRAP* runs only without a tracer, which sees every trap first, or when the program itself has got a
 * SIGTRAP that nothing else handles. It changes nothing but the saved context of the thread. All registers are its own,
 * because `rt_sigreturn` loads those of the context.
 *
 * | `si_code` | context | what it does |
 * | --- | --- | --- |
 * | any | the pc is behind the system call of a caller, see below | nothing: the tracer had the thread make a call |
 * | SI_KERNEL: `int3` | RF is set | nothing: the tracer had answered the trap and died before the thread went on |
 * | | no `int3` before the pc | the pc goes back by 1: the trap was taken out meanwhile |
 * | | the place is in the table | the pc becomes the place's copy; without one the original byte is put back |
 * | TRAP_TRACE, TRAP_BRKPT | | TF is cleared: the tracer had the thread make a step |
 * | anything else | | the action becomes the default, and the signal is sent again as it came |
 *
 * `int3` pushes flags without RF (Intel SDM vol. 3, 17.3.1.1), so that this bit tells registers that the tracer has set
 * from those that the trap has left. It means nothing while no debug register holds a breakpoint. The two-byte form CD 03 is
 * never ours.
 *
 * The original byte is put back by a write to `/proc/self/mem`, which may change text; nothing else that a handler may do
 * changes a page without showing it, half changed, to other threads.
 *
 * *The caller* is what a thread runs that makes a system call for the tracer. If the tracer dies meanwhile, it goes on
 * behind the call: all registers that the call has changed are loaded again, and the last jump leads to where the thread
 * was. Flags and stack pointer were never changed. A system call that had been interrupted is repeated as the kernel
 * would have done (arch/x86/kernel/signal.c, arch_do_signal_or_restart).
 *
 * @module
 */

import { type Address, fromHalves, highHalf } from "../../address.ts";
import type { RegisterHalves } from "../isa.ts";
import { type KeeperCode, type KeeperInstaller, KEPT_TABLE } from "../keeper.ts";
import { TRAP_FLAG } from "./arithmetic.ts";
import { Assembler } from "./assembler.ts";
import { TRAP_CODE } from "./install.ts";
import { EFLAGS, ORIG_RAX, R10, R11, R8, R9, RAX, RCX, RDI, RDX, RIP, RSI } from "./registers.ts";

/** SA_SIGINFO, SA_RESTORER, SA_ONSTACK and SA_NODEFER (asm/signal.h). */
const HANDLER_FLAGS = 0x4c000004;
/** The resume flag of the processor. */
const RESUME_FLAG = 0x10000;
/** Where the pc and the flags are in a `ucontext_t` (asm/sigcontext.h). */
const CONTEXT_PC = 168, CONTEXT_FLAGS = 176;
/** Where the code is in a `siginfo_t`. */
const SI_CODE = 8;

/** Numbers of system calls. */
const CLOSE = 3, OPEN = 2, RT_SIGACTION = 13, RT_SIGRETURN = 15, PWRITE = 18, GETPID = 39, GETTID = 186;
const RT_TGSIGQUEUEINFO = 297, RESTART_SYSCALL = 219;
const SIGTRAP = 5;
/** The first four bytes of a caller. */
const CALLER_BEGIN = 0x8b48050f;
/** O_RDWR and O_CLOEXEC. */
const OPEN_FLAGS = 0x80002;

const SYSCALL = [0x0f, 0x05];
const JE = [0x0f, 0x84],
  JNE = [0x0f, 0x85],
  JB = [0x0f, 0x82],
  JAE = [0x0f, 0x83],
  JA = [0x0f, 0x87],
  JS = [0x0f, 0x88];
const JMP = [0xe9];
const RET = 0xc3;

function makeHandler(address: Address, table: Address): KeeperCode {
  const out = new Assembler();
  out.define("table", table - address);
  out.label("handler");
  out.bytes(0xf3, 0x0f, 0x1e, 0xfa); // endbr64
  out.bytes(0x48, 0x89, 0xf5, 0x48, 0x89, 0xd3); // mov %rsi,%rbp; mov %rdx,%rbx
  out.bytes(0x4c, 0x8b, 0xb3); // mov pc(%rbx),%r14
  out.half(CONTEXT_PC);
  out.bytes(0x49, 0xff, 0xce); // dec %r14
  out.bytes(0x41, 0x81, 0x7e, 0xff); // cmpl $(syscall; mov ...),-1(%r14)
  out.half(CALLER_BEGIN);
  out.near(JE, "done");
  out.bytes(0x8b, 0x45, SI_CODE); // mov si_code(%rbp),%eax
  out.bytes(0x3d); // cmp $SI_KERNEL,%eax
  out.half(TRAP_CODE);
  out.near(JNE, "other");
  out.bytes(0xf7, 0x83); // testl $RF,flags(%rbx)
  out.half(CONTEXT_FLAGS);
  out.half(RESUME_FLAG);
  out.near(JNE, "done");
  out.bytes(0x41, 0x80, 0x3e, 0xcc); // cmpb $int3,(%r14)
  out.near(JNE, "late");
  appendSearch(out);
  out.label("late");
  out.bytes(0x41, 0x80, 0x3e, 0x03); // cmpb $3,(%r14)
  out.near(JNE, "back");
  out.bytes(0x41, 0x80, 0x7e, 0xff, 0xcd); // cmpb $int,-1(%r14)
  out.near(JE, "default");
  out.label("back");
  appendSetPc(out, [0x4c, 0x89, 0xb3]); // mov %r14,pc(%rbx)
  out.label("done");
  out.bytes(RET);
  out.label("other");
  out.bytes(0xff, 0xc8, 0x83, 0xf8, 0x01); // dec %eax; cmp $1,%eax: TRAP_BRKPT is 1, TRAP_TRACE 2
  out.near(JA, "default");
  out.bytes(0x81, 0xa3); // andl $~TF,flags(%rbx)
  out.half(CONTEXT_FLAGS);
  out.half(~TRAP_FLAG);
  out.bytes(RET);
  appendDefault(out);
  appendHeal(out);
  out.label("restorer");
  appendCall(out, RT_SIGRETURN);
  out.label("path");
  out.text("/proc/self/mem");
  return {
    code: out.finish(),
    handler: out.offsetOf("handler"),
    restorer: out.offsetOf("restorer"),
    flags: HANDLER_FLAGS,
  };
}

/** Looks r14 up in the table by bisection, and sends the thread to the copy. */
function appendSearch(out: Assembler): void {
  out.near([0x4c, 0x8b, 0x05], "table"); // mov table(%rip),%r8
  out.bytes(0x4d, 0x85, 0xc0); // test %r8,%r8
  out.near(JE, "default");
  out.bytes(0x4d, 0x8b, 0x50, KEPT_TABLE.sitesTotal); // mov total(%r8),%r10: behind the last one
  out.bytes(0x45, 0x31, 0xc9); // xor %r9d,%r9d: the first one
  out.label("search");
  out.bytes(0x4d, 0x39, 0xd1); // cmp %r10,%r9
  out.near(JAE, "default");
  out.bytes(0x4b, 0x8d, 0x04, 0x11, 0x48, 0xd1, 0xe8); // lea (%r9,%r10),%rax; shr %rax
  out.bytes(0x4c, 0x8d, 0x2c, 0x40); // lea (%rax,%rax,2),%r13: 24 bytes a site
  out.bytes(0x4f, 0x8d, 0x6c, 0xe8, KEPT_TABLE.sites); // lea sites(%r8,%r13,8),%r13
  out.bytes(0x4d, 0x3b, 0x75, 0); // cmp (%r13),%r14
  out.near(JE, "found");
  out.near(JB, "below");
  out.bytes(0x4c, 0x8d, 0x48, 1); // lea 1(%rax),%r9
  out.near(JMP, "search");
  out.label("below");
  out.bytes(0x49, 0x89, 0xc2); // mov %rax,%r10
  out.near(JMP, "search");
  out.label("found");
  out.bytes(0x49, 0x8b, 0x45, 8); // mov 8(%r13),%rax
  out.bytes(0x48, 0x85, 0xc0); // test %rax,%rax
  out.near(JE, "heal");
  appendSetPc(out, [0x48, 0x89, 0x83]); // mov %rax,pc(%rbx)
  out.bytes(RET);
}

function appendSetPc(out: Assembler, store: readonly number[]): void {
  out.bytes(...store);
  out.half(CONTEXT_PC);
}

/** Makes the action the default and sends the signal again, which comes when the handler has returned. */
function appendDefault(out: Assembler): void {
  out.label("default");
  out.bytes(0x6a, 0, 0x6a, 0, 0x6a, 0, 0x6a, 0); // push $0, four times: a struct sigaction
  out.bytes(0xbf); // mov $SIGTRAP,%edi
  out.half(SIGTRAP);
  out.bytes(0x48, 0x89, 0xe6, 0x31, 0xd2); // mov %rsp,%rsi; xor %edx,%edx
  out.bytes(0x41, 0xba); // mov $8,%r10d
  out.half(8);
  appendCall(out, RT_SIGACTION);
  out.bytes(0x48, 0x83, 0xc4, 32); // add $32,%rsp
  appendCall(out, GETPID);
  out.bytes(0x89, 0xc7); // mov %eax,%edi
  appendCall(out, GETTID);
  out.bytes(0x89, 0xc6); // mov %eax,%esi
  out.bytes(0xba); // mov $SIGTRAP,%edx
  out.half(SIGTRAP);
  out.bytes(0x49, 0x89, 0xea); // mov %rbp,%r10
  appendCall(out, RT_TGSIGQUEUEINFO);
  out.bytes(RET);
}

/** Puts the original byte back of the site at r13, which is that before the pc. */
function appendHeal(out: Assembler): void {
  out.label("heal");
  out.near([0x48, 0x8d, 0x3d], "path"); // lea path(%rip),%rdi
  out.bytes(0xbe); // mov $flags,%esi
  out.half(OPEN_FLAGS);
  appendCall(out, OPEN);
  out.bytes(0x85, 0xc0); // test %eax,%eax
  out.near(JS, "default");
  out.bytes(0x89, 0xc7); // mov %eax,%edi
  out.bytes(0x49, 0x8d, 0x75, KEPT_TABLE.original); // lea original(%r13),%rsi
  out.bytes(0xba); // mov $1,%edx
  out.half(1);
  out.bytes(0x4d, 0x89, 0xf2); // mov %r14,%r10
  appendCall(out, PWRITE);
  out.bytes(0x41, 0x89, 0xc4); // mov %eax,%r12d
  appendCall(out, CLOSE);
  out.bytes(0x41, 0xff, 0xcc); // dec %r12d
  out.near(JNE, "default");
  out.near(JMP, "back");
}

function appendCall(out: Assembler, number: number): void {
  out.bytes(0xb8); // mov $number,%eax
  out.half(number);
  out.bytes(...SYSCALL);
}

/** The registers that a system call uses, each with the opcode that loads it relative to the pc. */
const LOADS: readonly (readonly [register: number, rex: number, modrm: number])[] = [
  [RAX, 0x48, 0x05],
  [RCX, 0x48, 0x0d],
  [RDX, 0x48, 0x15],
  [RSI, 0x48, 0x35],
  [RDI, 0x48, 0x3d],
  [R8, 0x4c, 0x05],
  [R9, 0x4c, 0x0d],
  [R10, 0x4c, 0x15],
  [R11, 0x4c, 0x1d],
];

function makeCaller(registers: RegisterHalves): Uint8Array {
  const own = restarted(registers);
  const out = new Assembler();
  out.bytes(...SYSCALL);
  for (const [register, rex, modrm] of LOADS) out.near([rex, 0x8b, modrm], `${register}`);
  out.near([0xff, 0x25], `${RIP}`); // jmp *pc(%rip)
  for (const register of [...LOADS.map(([register]) => register), RIP]) {
    out.label(`${register}`);
    out.half(own[register]!);
    out.half(own[register + 1]!);
  }
  return out.finish();
}

/** What the registers are when the kernel has seen to an interrupted system call. */
function restarted(registers: RegisterHalves): RegisterHalves {
  const own = registers.slice();
  const error = -(own[RAX]! | 0);
  const isInCall = (own[ORIG_RAX]! | 0) >= 0 && own[RAX + 1] === 0xffffffff;
  // ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK (linux/errno.h).
  if (!isInCall || error < 512 || error > 516 || error === 515) return own;
  own[RAX] = error === 516 ? RESTART_SYSCALL : own[ORIG_RAX]!;
  own[RAX + 1] = 0;
  const pc = fromHalves(own[RIP]!, own[RIP + 1]!) - SYSCALL.length;
  own[RIP] = pc >>> 0;
  own[RIP + 1] = highHalf(pc as Address);
  return own;
}

/** See `KeeperInstaller` of `isa/keeper.ts`. */
export const keeper: KeeperInstaller = {
  makeHandler,
  callerBytes: makeCaller(new Uint32Array(64)).length,
  makeCaller,
  markAnswered(registers) {
    registers[EFLAGS]! |= RESUME_FLAG;
  },
  isAnswered: (registers) => (registers[EFLAGS]! & RESUME_FLAG) !== 0,
};
