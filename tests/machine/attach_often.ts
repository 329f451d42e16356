/**
 * Attaches to a program again and again, enables a probe each time, ends its input, and prints what it has printed.
 *
 * @module
 */

import { Session } from "../../mod.ts";

const ATTACHMENTS = 20;

const [program] = Deno.args;
const child = new Deno.Command(program!, { stdin: "piped", stdout: "piped" }).spawn();
const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
let text = "";
while (!text.includes("\n")) text += (await reader.read()).value ?? "";
for (let i = 0; i < ATTACHMENTS; i++) {
  await using session = new Session({ signals: false });
  session.attach(child.pid);
  session.enable("pid$target:a.out:look:entry", { count: true });
}
await child.stdin.close();
for (let part; !(part = await reader.read()).done;) text += part.value;
const { code } = await child.status;
await Deno.stdout.write(new TextEncoder().encode(text));
Deno.exit(code);
