/**
 * A 32-bit program by hand, so that no compiler has to know them.
 *
 * | offset | bytes | what |
 * | --- | --- | --- |
 * | 0 | 52 | Elf32_Ehdr: EM_386, ET_EXEC, entry 0x10054, one program header |
 * | 52 | 32 | Elf32_Phdr: PT_LOAD of the whole file at 0x10000, r-x |
 * | 84 | 14 | `mov ebx, 9`; `mov eax, NUMBER`; `int 0x80`; `jmp` to the first `mov` |
 *
 * @module
 */

/** Numbers of system calls without a meaning of ebx, or with it as a status. */
const NUMBERS = { pause: 29, exit: 1 } as const;

/**
 * Makes the program.
 *
 * @param call What it does: wait for ever, or exit with status 9.
 * @returns The file's bytes.
 */
export function program32(call: keyof typeof NUMBERS): Uint8Array {
  const bytes = new Uint8Array(98);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  const view = new DataView(bytes.buffer);
  const halves = [[16, 2], [18, 3], [40, 52], [42, 32], [44, 1]] as const;
  for (const [offset, value] of halves) view.setUint16(offset, value, true);
  const words = [[20, 1], [24, 0x10054], [28, 52], [52, 1], [60, 0x10000], [64, 0x10000], [68, 98], [72, 98], [76, 5]];
  for (const [offset, value] of [...words, [80, 0x1000]]) view.setUint32(offset!, value!, true);
  bytes.set([0xbb, 9, 0, 0, 0, 0xb8, NUMBERS[call], 0, 0, 0, 0xcd, 0x80, 0xeb, 0xf2], 84);
  return bytes;
}
