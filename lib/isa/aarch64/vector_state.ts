/**
 * What pads keep of the program's vector registers while they ask the kernel.
 *
 * *Problem.* A system call leaves only the lowest 128 bits of each vector register of SVE, clears its predicates and the register
 * of first faults (Documentation/arch/arm64/sve.rst, 4), and ends streaming mode (sme.rst). A program that calls knows that; one
 * that is probed does not.
 *
 * *Method.* All of them are stored on the stack, downwards, so that whatever the length of vectors is nothing is written beyond
 * the page that a stack ends with. In streaming mode nothing is asked.
 *
 * *Invariants.*
 * - A store that faults has not changed anything but the stack pointer, which {@linkcode appendRelease} puts back.
 *
 * @module
 */

import type { SlotCode } from "./slot_code.ts";

/** The feature of the CPU that there is such a state, and that there is streaming mode, as `/proc/cpuinfo` names them. */
export const [VECTORS, STREAMING] = ["sve", "sme"] as const;

const [STACK, ZREGISTERS, PREDICATES] = [31, 32, 16] as const;
/** Where the registers are, counted by their sizes; predicates, of which eight are as long as a vector, come first. */
const FIRST_ZREGISTER = 3;
const FAULTS_PLACE = PREDICATES;

const ADDVL = 0x0420_5000 | STACK << 16 | STACK; // addvl sp,sp,#vectors
const STR_Z = 0xe580_4000; // str zt,[sp,#place,mul vl]
const LDR_Z = 0x8580_4000;
const STR_P = 0xe580_0000;
const LDR_P = 0x8580_0000;
const RDFFR_P0 = 0x2519_f000;
const WRFFR_P0 = 0x2528_9000;
const SVCR = 0xd53b_4240; // mrs xt,svcr
const STREAMS = 0x3700_0000; // tbnz wt,#0

/**
 * Writes the test for streaming mode.
 *
 * @param register The number of a register that is free.
 * @param out Receives the code.
 * @returns A branch for the case that the thread is in it, which leads to itself.
 */
export function appendStreamingTest(register: number, out: SlotCode): number {
  out.words(SVCR | register);
  return STREAMS | register;
}

/**
 * Writes the storing of the state.
 *
 * @param out Receives the code.
 * @returns Where the stores are that may fault, in bytes.
 */
export function appendStore(out: SlotCode): number[] {
  out.words(addVectors(-32), addVectors(-3));
  const stores: number[] = [];
  for (let number = ZREGISTERS - 1; number >= 0; number--) {
    stores.push(out.length);
    out.words(access(STR_Z, number, FIRST_ZREGISTER + number));
  }
  for (let number = PREDICATES - 1; number >= 0; number--) {
    stores.push(out.length);
    out.words(access(STR_P, number, number));
  }
  // What is beside it could be written.
  out.words(RDFFR_P0, access(STR_P, 0, FAULTS_PLACE));
  return stores;
}

/**
 * Writes the loading of the state, but for the stack pointer.
 *
 * @param out Receives the code.
 */
export function appendLoad(out: SlotCode): void {
  out.words(access(LDR_P, 0, FAULTS_PLACE), WRFFR_P0);
  for (let number = 0; number < PREDICATES; number++) out.words(access(LDR_P, number, number));
  for (let number = 0; number < ZREGISTERS; number++) out.words(access(LDR_Z, number, FIRST_ZREGISTER + number));
}

/**
 * Writes the putting back of the stack pointer.
 *
 * @param out Receives the code.
 */
export function appendRelease(out: SlotCode): void {
  out.words(addVectors(31), addVectors(4));
}

function addVectors(count: number): number {
  return (ADDVL | (count & 63) << 5) >>> 0;
}

/** The store or load of a register. */
function access(word: number, number: number, place: number): number {
  return (word | (place >> 3) << 16 | (place & 7) << 10 | STACK << 5 | number) >>> 0;
}
