import { assertEquals } from "@std/assert";
import { constants } from "node:os";
import { errnoName, ERROR_NAMES, SIGNAL_NAMES, signalName } from "../lib/system_names.ts";

Deno.test("errnoName() knows the kernel's numbers and prints others", () => {
  assertEquals([1, 3, 8, 11, 38, 133].map(errnoName), ["EPERM", "ESRCH", "ENOEXEC", "EAGAIN", "ENOSYS", "EHWPOISON"]);
  assertEquals([0, 41, 58, 134, 4000].map(errnoName), ["errno 0", "errno 41", "errno 58", "errno 134", "errno 4000"]);
});

Deno.test("ERROR_NAMES and SIGNAL_NAMES have the numbers that node:os gives them", () => {
  const aliases = ["EWOULDBLOCK", "ENOTSUP", "SIGIOT", "SIGPOLL", "SIGUNUSED"];
  for (const [list, known] of [[ERROR_NAMES, constants.errno], [SIGNAL_NAMES, constants.signals]] as const) {
    for (const [name, number] of Object.entries(known)) {
      if (!aliases.includes(name)) assertEquals(list.indexOf(name), number, name);
    }
  }
});

Deno.test("signalName() knows those that have names", () => {
  assertEquals([1, 9, 31].map(signalName), ["SIGHUP", "SIGKILL", "SIGSYS"]);
  assertEquals([0, 32, 64].map(signalName), [undefined, undefined, undefined]);
});
