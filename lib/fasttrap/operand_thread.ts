/**
 * A stopped thread as the operands of static probes see it.
 *
 * *Method.* The general registers are those that the tracer has read for the hit; the vector registers are read when an
 * operand asks for one, which is rare and costs a request. One object serves all hits of a session: a hit allocates
 * nothing.
 *
 * @module
 */

import type { Isa, RegisterHalves, WordMemory } from "../isa/isa.ts";
import type { OperandThread } from "../isa/operand_reader.ts";
import type { Image } from "../process/process.ts";
import type { Tracer } from "../process/tracer.ts";

/** The register set with the vector registers, of `ptrace(2)`. */
const NT_PRFPREG = 2;
/** Room for the vector registers of any architecture, in bytes. */
const VECTORS_BYTES = 1024;

/** See the module's comment. */
export class StoppedThread implements OperandThread {
  /** See {@linkcode OperandThread.registers}. */
  registers: RegisterHalves = new Uint32Array(0);
  /** See {@linkcode OperandThread.memory}. */
  memory: WordMemory = { readWord: () => false, writeWord: () => false };
  readonly #tracer: Tracer;
  readonly #bytes = new Uint8Array(VECTORS_BYTES);
  readonly #halves = new Uint32Array(this.#bytes.buffer);
  #isa: Isa | undefined;
  #tid = 0;

  /**
   * Makes the object; {@linkcode StoppedThread.at} gives it a meaning.
   *
   * @param tracer The tracer, whose registers are those of the thread.
   */
  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /**
   * A thread has stopped at a site.
   *
   * @param tid The thread.
   * @param image The memory that it is in.
   * @returns This.
   */
  at(tid: number, image: Image): this {
    this.#tid = tid;
    this.#isa = image.isa;
    this.registers = this.#tracer.stop.registers;
    this.memory = image.memory;
    return this;
  }

  /** See {@linkcode OperandThread.readVector}. */
  readonly readVector = (number: number, into: Uint32Array): boolean => {
    const { vectors } = this.#isa!.registers;
    const { sizeBytes } = vectors;
    const { ft_get_regset: getRegset } = this.#tracer.kernel.call;
    if (getRegset(this.#tid, NT_PRFPREG, this.#bytes, sizeBytes) < sizeBytes) return false;
    const at = vectors.offsetOf(number) / 4;
    into[0] = this.#halves[at]!;
    into[1] = this.#halves[at + 1]!;
    return true;
  };
}
