/**
 * Has its end marked in a file, and waits for it. Arguments: the file, and how many pages of it.
 *
 * @module
 */

import { cString, openKernel } from "../../ffi/ffi.ts";

const kernel = openKernel();
const fd = kernel.call.ft_open(cString(Deno.args[0]!), 1);
const marks = Array.from({ length: Number(Deno.args[1]) }, (_, page) => kernel.call.ft_mark_end(fd, 4096 * page));
// One in the middle is taken back.
console.log(kernel.call.ft_unmark_end(marks[1]!) === 0 ? "marked" : "not marked");
setInterval(() => {}, 1000);
