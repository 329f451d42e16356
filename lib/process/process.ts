/**
 * A traced process and its threads: what is known of them between two stops.
 *
 * *Vocabulary.* A *process* is a thread group. Its *image* is its memory with our traps and slots in it. Usually each
 * process has an image of its own; a child made by vfork, posix_spawn or clone with CLONE_VM has its parent's, until
 * it executes another program. Tracepoints belong to the image and are found by the pid of its owner (fasttrap
 * rule 90).
 *
 * *States of a thread.*
 *
 * | state | meaning | leaves it by |
 * | --- | --- | --- |
 * | `running` | it runs, or is blocked in the kernel | a stop, its end |
 * | `stopped` | it is in a ptrace-stop whose status we have consumed | being continued by us |
 * | `listening` | its process is stopped by job control and we wait for SIGCONT | a stop |
 * | `suspended` | it was told to stop but is deep in the kernel (`vfork`, a dead disk); it cannot execute user code before it has stopped | a stop |
 * | `ended` | it is gone, or will never run again | |
 *
 * *Invariant.* Only `stopped` threads may be asked for registers; a thread that is not `running` executes no user code.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import type { Address } from "../address.ts";
import type { Isa } from "../isa/isa.ts";
import type { Keeper, KeptRange } from "./keeper.ts";
import { TargetMemory } from "./memory.ts";
import { Pads } from "./pads.ts";
import { SlotArenas } from "./slots.ts";
import { Semaphores } from "./semaphores.ts";
import { TrappedText } from "./text.ts";
import type { TrapAction } from "./trap_action.ts";

/** See the table in the module's comment. */
export type ThreadState = "running" | "stopped" | "listening" | "suspended" | "ended";

/** A signal that was taken from a thread while it was in a slot, to be delivered when it is out of it. */
export interface WithheldSignal {
  /** The signal's number. */
  readonly signal: number;
  /** Its `siginfo_t`. */
  readonly siginfo: Uint8Array;
}

/** One thread of a traced process. */
export class Thread {
  /** Its id. */
  readonly tid: number;
  /** The process it belongs to. */
  readonly process: TracedProcess;
  /** See {@linkcode ThreadState}. */
  state: ThreadState = "running";
  /** The wait status of the stop that it is in, or was in last. */
  status = 0;
  /** The wait status that was seen last, as the kernel has told it. */
  reported = 0;
  /** Whether it stands in front of the trap that it has stopped for, because its stop was consumed. */
  isSetBack = false;
  /** Signals that are to be delivered when the thread is out of a slot, in order. */
  readonly withheld: WithheldSignal[] = [];
  /** Signals that were withheld and have been sent again, and get their `siginfo_t` back when they arrive. */
  readonly resent: WithheldSignal[] = [];
  /** Whether it is resumed by single steps: through the rest of a slot, or over an instruction in place. */
  stepping = false;
  /** How many steps it has made since it was last continued. */
  stepsTotal = 0;
  /** Where its trap was taken out so that the thread can step over the original instruction; undefined if nowhere. */
  steppingOver: Address | undefined;
  /** Whether it waits in the kernel for a vfork child. */
  inVfork = false;
  /** The signals that it blocked at the last look, if SIGTRAP was among them; see `trap_action.ts`. */
  blockedMask: Uint32Array<ArrayBuffer> | undefined;
  /** The generation of retired slots of which it is known to be outside; see `fasttrap/barrier.ts`. */
  seenGeneration = 0;
  /** Whether it is to be let go at its next stop, because its process could not wait for it when it was detached. */
  detaching = false;

  /**
   * Makes the record of a thread that runs.
   *
   * @param tid Its id.
   * @param process The process it belongs to.
   */
  constructor(tid: number, process: TracedProcess) {
    this.tid = tid;
    this.process = process;
  }
}

/** Memory with our traps and slots in it. */
export class Image {
  /** Whether code may run on stacks that just end, by the device and inode of its file, as far as somebody has looked. */
  readonly stackEnds: Map<string, boolean> = new Map();
  /** The pid of the process that owns it, by which its tracepoints are found. */
  readonly pid: number;
  /** The instruction set of its code. */
  readonly isa: Isa;
  /** Its text and the traps in it. */
  readonly text: TrappedText;
  /** Where its first file and the vDSO are, which it has in common with its copies alone; see `images.ts`. */
  readonly layout: string;
  /** The memory as the program sees it. */
  readonly memory: TargetMemory;
  /** The pads in it. */
  readonly pads: Pads;
  /** The slots in it. */
  readonly slots: SlotArenas;
  /** The semaphores of static probes in it. */
  readonly semaphores: Semaphores;
  /** What is mapped in it of the pads of the image that it is a copy of; nothing leads there. */
  inherited: readonly KeptRange[] = [];
  /** The processes that live in it; more than one between vfork and exec. */
  readonly processes: Set<TracedProcess> = new Set();
  /** The address of a system call instruction in it, once it was looked for. */
  systemCall: Address | undefined;
  /** Where there is room for the code of a system call, once it was looked for; see `remote_call.ts`. */
  callerPlace: Address | undefined;
  /** Why no slot can be had in it, as the end of a sentence; undefined if one can, or if that was not tried. */
  slotsRefused: string | undefined;
  /** Whether what an earlier tracer may have left in it is out. */
  isSearched = true;
  /** What stays in it if the tracer dies; undefined until it is made. */
  keeper: Keeper | undefined;
  /** Whether it was tried to make a keeper. */
  keeperTried = false;
  /** Whether it is still the memory of a living process, so that there is a text to restore. */
  alive = true;

  /**
   * Opens the memory of a process.
   *
   * @param kernel The kernel's requests.
   * @param pid The process.
   * @param isa The instruction set of its code.
   * @param layout See {@linkcode Image.layout}.
   * @throws {SystemError} If its memory cannot be opened.
   */
  constructor(kernel: Kernel, pid: number, isa: Isa, layout: string) {
    this.pid = pid;
    this.isa = isa;
    this.layout = layout;
    this.text = new TrappedText(kernel, pid, isa.trap);
    this.memory = new TargetMemory(kernel, pid, this.text, () => this.threads());
    this.pads = new Pads(isa);
    this.slots = new SlotArenas(isa, this.pads);
    this.semaphores = new Semaphores(kernel, pid);
  }

  /**
   * Tells whether a thread that executes what is written at an address makes a trap of ours.
   *
   * @param address The address; any number.
   * @returns Whether a trap is there, or one of those inside of a jump.
   */
  trapsAt(address: number): boolean {
    return this.text.has(address) || this.pads.copyAt(address) !== undefined;
  }

  /** Whether somebody lives in it whom the death of the tracer does not end. */
  get outlivesTracer(): boolean {
    return [...this.processes].some(({ diesWithTracer }) => !diesWithTracer);
  }

  /** All threads that may execute code in it. */
  *threads(): Generator<Thread> {
    for (const process of this.processes) yield* process.threads.values();
  }

  /** Gives up the memory: the process has gone, or another program has taken its place. */
  close(): void {
    this.alive = false;
    this.text.close();
  }
}

/** How a process came to be traced. */
export interface ProcessOrigin {
  /** Whether the tracer has started it; false by default. */
  readonly spawned?: boolean;
  /** See {@linkcode TracedProcess.diesWithTracer}; {@linkcode ProcessOrigin.spawned} by default. */
  readonly diesWithTracer?: boolean;
  /** See {@linkcode TracedProcess.wanted}. */
  readonly wanted: boolean;
  /** See {@linkcode TracedProcess.ancestors}. */
  readonly ancestors: readonly number[];
}

/** A traced process. */
export class TracedProcess {
  /** Its pid. */
  readonly pid: number;
  /** Its threads by id, those that have ended not included. */
  readonly threads: Map<number, Thread> = new Map();
  /** Its memory, which it may share. Another after exec. */
  image: Image;
  /** Whether the tracer started it. */
  readonly spawned: boolean;
  /** Whether the kernel kills it when the tracer dies: it was started by the tracer, or descends from one that was. */
  readonly diesWithTracer: boolean;
  /** Whether it is traced on purpose; a vfork child is not, and is let go when it executes a program. */
  wanted: boolean;
  /** Whether its program is new, has not run yet, and the listener has not been told of that. */
  fresh = false;
  /** Its parent and that one's, up to the first process; one of them inherits its children when it ends. */
  readonly ancestors: readonly number[];
  /** What it does with SIGTRAP, if it is not the default, as far as we know; see `trap_action.ts`. */
  trapAction: TrapAction | undefined;
  /** When that was looked at last, as `ft_clock_ns` says. */
  actionSeenNs = 0;
  /** Whether the handler of its image's keeper is the action of SIGTRAP, as far as we know. */
  isGuarded = false;
  /** When that was looked at last. */
  guardSeenNs = 0;
  /** How it ended, as a wait status; undefined while it lives, and if somebody else has waited for it. */
  endStatus: number | undefined;

  /**
   * Makes the record of a process.
   *
   * @param pid Its pid.
   * @param image Its memory.
   * @param origin How it came to be traced.
   */
  constructor(pid: number, image: Image, origin: ProcessOrigin) {
    this.pid = pid;
    this.image = image;
    this.spawned = origin.spawned ?? false;
    this.diesWithTracer = origin.diesWithTracer ?? this.spawned;
    this.wanted = origin.wanted;
    this.ancestors = origin.ancestors;
    image.processes.add(this);
  }

  /** Whether it is a child of this program that something else has started and will wait for. */
  get ownChild(): boolean {
    return !this.spawned && this.ancestors[0] === Deno.pid;
  }

  /** Whether it still has threads. */
  get alive(): boolean {
    return this.threads.size > 0;
  }

  /**
   * Adds a thread.
   *
   * @param tid Its id.
   * @returns The thread's record; the old one if there is one.
   */
  addThread(tid: number): Thread {
    const known = this.threads.get(tid);
    if (known) return known;
    const thread = new Thread(tid, this);
    this.threads.set(tid, thread);
    return thread;
  }
}
