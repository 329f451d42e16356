/**
 * A hit of a thread, as a D program asks for it.
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
const SIGSTOP = 19;
/** The deepest stack that `ustackdepth` tells. */
const FRAMES_MAX = 1024;

/** See the module's comment. One object serves all hits. */
export class ThreadHit implements ProbeHit {
  readonly #kernel: Kernel;
  readonly #facts: ProcessFacts;
  readonly #clock: WallClock;
  readonly #errno: ThreadErrno;
  readonly #frames = new Float64Array(FRAMES_MAX);
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
        return setNumber(into, this.#hit.readStack(this.#frames.subarray(0, 2)) === 2 ? this.#frames[1]! : 0);
      case "ustackdepth":
        return setNumber(into, this.#hit.readStack(this.#frames));
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
    return this.#hit.readStack(into.subarray(0, limit));
  }

  /** See {@linkcode ProbeHit.act}: a signal comes when the thread goes on; to chill is to let it, and us, wait. */
  act(action: "stop" | "raise" | "chill", value: number): void {
    const { pid, tid } = this.#hit;
    if (action === "stop") this.#kernel.call.ft_kill(0, pid, SIGSTOP);
    else if (action === "raise") this.#kernel.call.ft_kill(pid, tid, value);
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, value / MILLION);
  }

  /** See {@linkcode ProbeHit.isProgenyOf}. */
  isProgenyOf(pid: number): boolean {
    const { probe } = this.#hit;
    if (pid === this.#hit.pid) return true;
    if (!(probe instanceof Probe)) return false;
    return [...probe.owner.process.image.processes].some(({ ancestors }) => ancestors.includes(pid));
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
