/**
 * A hit of a thread, as a D program asks for it.
 *
 * **Stacks** are walked by frame pointers: where the thread is, the return address where the function has just been
 * entered, and then the chain that `%rbp` begins. Functions that keep no frame pointer are missing from it; what leads
 * nowhere ends it.
 *
 * @module
 */

import type { Kernel } from "../../../ffi/ffi.ts";
import type { NumberBuiltin, ProbeHit, TextBuiltin } from "../../d/host.ts";
import type { Hit } from "../../fasttrap/hit.ts";
import { Probe, type ProbeIdentity } from "../../fasttrap/probe.ts";
import type { ProcessFacts } from "./process_facts.ts";
import { ThreadErrno } from "./thread_errno.ts";
import type { WallClock } from "./wall_clock.ts";

const HALF = 2 ** 32;
const MILLION = 1e6;
/** Where the frame pointer and the stack pointer are in `struct user_regs_struct`. */
const RBP = 4;
const RSP = 19;
const WORD_BYTES = 8;
const SIGSTOP = 19;
/** DTrace lets nobody wait longer at once. */
const CHILL_MS_MAX = 500;
/** No code is in the first pages of an address space. */
const ADDRESS_MIN = 0x1000;
const ADDRESS_MAX = 2 ** 47;

/** See the module's comment. One object serves all hits. */
export class ThreadHit implements ProbeHit {
  readonly #kernel: Kernel;
  readonly #facts: ProcessFacts;
  readonly #clock: WallClock;
  readonly #errno: ThreadErrno;
  readonly #pair = new Uint32Array(2);
  readonly #frame = new Uint8Array(2 * WORD_BYTES);
  readonly #words = new DataView(this.#frame.buffer);
  /** Strings of programs, by the probe: another program has other probes. */
  readonly #texts = new WeakMap<ProbeIdentity, Map<TextBuiltin, Uint8Array>>();
  #hit!: Hit;

  /**
   * Makes the object.
   *
   * @param kernel The kernel's requests.
   * @param facts What `/proc` says.
   * @param clock The time of day.
   */
  constructor(kernel: Kernel, facts: ProcessFacts, clock: WallClock) {
    this.#kernel = kernel;
    this.#facts = facts;
    this.#clock = clock;
    this.#errno = new ThreadErrno(kernel);
  }

  /** A probe fires. */
  begin(hit: Hit): void {
    this.#hit = hit;
  }

  /** See {@linkcode ProbeHit.pid}. */
  get pid(): number {
    return this.#hit.pid;
  }

  /** See {@linkcode ProbeHit.tid}. */
  get tid(): number {
    return this.#hit.tid;
  }

  /** See {@linkcode ProbeHit.cpu}. */
  get cpu(): number {
    return this.#hit.cpu;
  }

  /** See {@linkcode ProbeHit.readNumber}. */
  readNumber(name: NumberBuiltin, into: Uint32Array): void {
    const { pid, tid } = this.#hit;
    switch (name) {
      case "timestamp":
        return setNumber(into, this.#hit.timestampNs);
      case "walltimestamp":
        return this.#clock.read(this.#hit.timestampNs, into);
      case "pid":
      case "curpsinfo.pr_pid":
        return setNumber(into, pid);
      case "tid":
      case "curlwpsinfo.pr_lwpid":
        return setNumber(into, tid);
      case "cpu":
      case "curlwpsinfo.pr_onpro":
        return setNumber(into, this.#hit.cpu);
      case "errno":
        return setNumber(into, this.#errno.read(this.#hit));
      case "ucaller":
        return setNumber(into, this.#frames(2)[1] ?? 0);
      case "ustackdepth":
        return setNumber(into, this.#frames(Infinity).length);
      default:
        return setNumber(into, this.#facts.number(name, pid, tid));
    }
  }

  /** See {@linkcode ProbeHit.readText}. */
  readText(name: TextBuiltin): Uint8Array {
    const { probe, pid, tid } = this.#hit;
    if (name === "cwd" || name === "curlwpsinfo.pr_name") return this.#facts.text(name, pid, tid);
    let texts = this.#texts.get(probe);
    if (texts === undefined) this.#texts.set(probe, texts = new Map());
    let text = texts.get(name);
    if (text === undefined) texts.set(name, text = this.#facts.text(name, pid, tid));
    return text;
  }

  /** See {@linkcode ProbeHit.readArgument}: those of static probes are mapped already. */
  readArgument(index: number, _typed: boolean, into: Uint32Array): void {
    this.#hit.readArg(index, into);
  }

  /** See {@linkcode ProbeHit.readRegister}. */
  readRegister(index: number, into: Uint32Array): boolean {
    return this.#hit.readRegister(index, into);
  }

  /** See {@linkcode ProbeHit.readMemory}. */
  readMemory(address: number, into: Uint8Array): number {
    return this.#hit.readInto(address, into);
  }

  /** See {@linkcode ProbeHit.writeMemory}. */
  writeMemory(address: number, bytes: Uint8Array): boolean {
    try {
      this.#hit.writeBytes(address, bytes);
      return true;
    } catch {
      return false;
    }
  }

  /** See {@linkcode ProbeHit.walkStack}. */
  walkStack(into: Float64Array, limit: number): number {
    const frames = this.#frames(limit);
    into.set(frames);
    return frames.length;
  }

  /** See {@linkcode ProbeHit.act}: a signal comes when the thread goes on; to chill is to let it, and us, wait. */
  act(action: "stop" | "raise" | "chill", value: number): void {
    const { pid, tid } = this.#hit;
    if (action === "stop") this.#kernel.call.ft_kill(0, pid, SIGSTOP);
    else if (action === "raise") this.#kernel.call.ft_kill(pid, tid, value);
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(value / MILLION, CHILL_MS_MAX));
  }

  /** See {@linkcode ProbeHit.isProgenyOf}. */
  isProgenyOf(pid: number): boolean {
    const { probe } = this.#hit;
    if (pid === this.#hit.pid) return true;
    if (!(probe instanceof Probe)) return false;
    return [...probe.owner.process.image.processes].some(({ ancestors }) => ancestors.includes(pid));
  }

  #frames(limit: number): number[] {
    const { probe, pc } = this.#hit;
    const frames = [pc];
    // Nothing has been pushed yet at the first instruction; behind `ret` neither, but the stack is that of the caller.
    const atEntry = probe instanceof Probe && pc === probe.functionAddress;
    if (atEntry && this.#readFrame(this.#register(RSP))) frames.push(this.#word(0));
    let frame = this.#register(RBP);
    while (frames.length < Math.min(limit, 1024) && this.#readFrame(frame)) {
      const next = this.#word(0);
      const returnAddress = this.#word(WORD_BYTES);
      if (returnAddress < ADDRESS_MIN || returnAddress >= ADDRESS_MAX) break;
      frames.push(returnAddress);
      if (next <= frame) break;
      frame = next;
    }
    return frames.slice(0, limit);
  }

  #readFrame(address: number): boolean {
    return address >= ADDRESS_MIN && address < ADDRESS_MAX && address % WORD_BYTES === 0 &&
      this.#hit.readInto(address, this.#frame) === this.#frame.length;
  }

  #word(offset: number): number {
    return this.#words.getUint32(offset + 4, true) * HALF + this.#words.getUint32(offset, true);
  }

  #register(index: number): number {
    this.#hit.readRegister(index, this.#pair);
    return this.#pair[1]! * HALF + this.#pair[0]!;
  }
}

/**
 * Puts a whole number into halves.
 *
 * @param into Receives the halves.
 * @param value The number, from -2^53 to 2^53.
 */
export function setNumber(into: Uint32Array, value: number): void {
  const hi = Math.floor(value / HALF);
  into[0] = value - hi * HALF;
  into[1] = hi;
}
