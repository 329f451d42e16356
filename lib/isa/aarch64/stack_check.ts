/**
 * Functions that look whether there is space left on their stack before they use it, as those of Go do: see
 * `x86_64/stack_check.ts`. Here the descriptor of the goroutine is in x28 (`cmd/internal/obj/arm64/obj7.go`).
 *
 * @module
 */

/** How many instructions come before the limit is loaded, and that one, at most. */
const INSTRUCTIONS_LIMIT = 4;
/** `ldr x16, [x28, #16]`, and the same with 24 on the stack of the system. */
const LOADS: readonly number[] = [0xf940_0b90, 0xf940_0f90];

/**
 * Tells whether a function looks for space on its stack.
 *
 * @param code Its code.
 * @returns Whether it does.
 */
export function checksStack(code: Uint8Array): boolean {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const total = Math.min(INSTRUCTIONS_LIMIT, Math.floor(code.length / 4));
  for (let index = 0; index < total; index++) if (LOADS.includes(view.getUint32(4 * index, true))) return true;
  return false;
}
