/**
 * Names that may hold any bytes.
 *
 * Provider, function and probe names in notes and in DTrace Object Format are bytes that some tool has written. Nearly
 * always they are UTF-8; where they are not, the bytes stay visible, so that different names stay different.
 *
 * @module
 */

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Decodes a name.
 *
 * @param bytes The bytes, without NUL.
 * @returns The name; if the bytes are not UTF-8, each byte above 0x7f as `\xNN`.
 */
export function decodeName(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  let name = "";
  for (const byte of bytes) name += byte < 0x80 ? String.fromCharCode(byte) : escapeByte(byte);
  return name;
}

/**
 * Makes a name printable on one line.
 *
 * @param name The name.
 * @returns The name with control characters as `\xNN`, and the characters that reorder or break lines as `\u{N}`.
 */
export function printableName(name: string): string {
  // deno-lint-ignore no-control-regex -- they are what is looked for
  return name.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => escapeByte(character.charCodeAt(0)))
    .replace(
      /[\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
      (character) => `\\u{${character.charCodeAt(0).toString(16)}}`,
    );
}

function escapeByte(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
