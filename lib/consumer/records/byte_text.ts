/**
 * Text as rows of bytes: what a D program prints, before it is written.
 *
 * What dtrace prints are the bytes of the traced program's strings, whatever they mean, in columns that are counted in
 * bytes. So the text of a D program is put together as a string whose characters are bytes, U+0000 to U+00FF, and becomes
 * bytes when it is written.
 *
 * @module
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const CHUNK = 4096;
/** Up to here a character after the other is faster than what the runtime has for whole texts, in bytes. */
const SHORT_BYTES = 12;

/**
 * Makes text of bytes.
 *
 * @param bytes The bytes.
 * @returns A string with a character for each.
 */
export function textOfBytes(bytes: Uint8Array): string {
  let text = "";
  if (bytes.length <= SHORT_BYTES) {
    for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
    return text;
  }
  if (isAscii(bytes)) return decoder.decode(bytes);
  for (let i = 0; i < bytes.length; i += CHUNK) text += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
  return text;
}

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i]! > 0x7f) return false;
  return true;
}

/**
 * Makes bytes of text.
 *
 * @param text A string of characters up to U+00FF.
 * @returns A byte for each.
 */
export function bytesOfText(text: string): Uint8Array<ArrayBuffer> {
  const encoded = encoder.encode(text);
  // Characters beyond ASCII take two bytes there.
  if (encoded.length === text.length) return encoded;
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * Makes text of a name.
 *
 * @param name Any string.
 * @returns Its bytes in UTF-8, as a string.
 */
export function textOfName(name: string): string {
  // deno-lint-ignore no-control-regex
  return /^[\x00-\x7f]*$/.test(name) ? name : textOfBytes(encoder.encode(name));
}

/**
 * Reads bytes as UTF-8, for formats that are made of characters.
 *
 * @param bytes The bytes.
 * @returns The characters; what is not UTF-8 is replaced.
 */
export function decodeBytes(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
