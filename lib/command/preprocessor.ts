/**
 * The C preprocessor, through which `-C` sends scripts.
 *
 * It reads the text from its standard input, so that the first line may be `#!`, which it would not understand. Line
 * directives tell it, and us, whose text it is.
 *
 * @module
 */

import type { ConsumerOptions } from "../consumer/program/consumer_options.ts";

/**
 * What `-X` says of `__STDC__`. It comes in front of the script as if it stood in a header of the system, where preprocessors
 * do not mind.
 */
const CONFORMANCE: Readonly<Record<string, string>> = {
  a: "#undef __STDC__\n#define __STDC__ 0\n",
  c: "",
  s: "#undef __STDC__\n",
  t: "#undef __STDC__\n#define __STDC__ 0\n",
};

/** What a preprocessor has made of a text: another one, or what dtrace(1) says of its failure. */
export type Preprocessed = { readonly text: string } | { readonly problem: string };

/**
 * Sends a script through the preprocessor, which says on our standard error what it finds wrong.
 *
 * @param path The script's file.
 * @param text Its text.
 * @param options Which preprocessor, and what it is told.
 * @returns What has become of it.
 */
export async function preprocess(path: string, text: string, options: ConsumerOptions): Promise<Preprocessed> {
  const isInterpreted = text.startsWith("#!");
  const body = isInterpreted ? text.slice(text.indexOf("\n") + 1) : text;
  const file = path.replace(/["\\]/g, "\\$&");
  const input = `# 1 "<-X>" 3\n${CONFORMANCE[options.stdc]}# ${isInterpreted ? 2 : 1} "${file}"\n${body}`;
  try {
    const child = new Deno.Command(options.cpppath, {
      args: argumentsOf(path, options),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const [{ success, stdout }] = await Promise.all([child.output(), send(child.stdin, input)]);
    if (!success) return { problem: "Preprocessor failed to process input program" };
    return { text: new TextDecoder().decode(stdout) };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { problem: "Preprocessor not found" };
  }
}

function argumentsOf(path: string, options: ConsumerOptions): string[] {
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/") + 1) : ".";
  return [
    // A name in quotes is looked for beside the script.
    "-iquote",
    folder,
    "-D__SUNW_D=1",
    "-D__SUNW_D_64",
    `-D__SUNW_D_VERSION=${versionNumber(options.version)}`,
    ...options.cpphdrs ? ["-H"] : [],
    ...options.incdir.map((folder) => `-I${folder}`),
    ...options.define.map((macro) => `-D${macro}`),
    ...options.undef.map((macro) => `-U${macro}`),
    ...options.cppargs,
    "-",
  ];
}

/** DTrace's number of a version: eight bits, then twice twelve. */
function versionNumber(version: string): string {
  const [major = 0, minor = 0, micro = 0] = version.split(".").map(Number);
  return `0x${(major * 2 ** 24 + minor * 2 ** 12 + micro).toString(16).padStart(8, "0")}`;
}

async function send(stream: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stream.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch (error) {
    // A preprocessor that does not read to the end says itself what is wrong.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
