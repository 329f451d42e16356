/**
 * Programs with a set-uid or set-gid bit.
 *
 * When a traced process executes such a program, the kernel ignores the bit unless the tracer has CAP_SYS_PTRACE (execve(2);
 * cap_bprm_creds_from_file in security/commoncap.c): whoever may change a process must not be given another's rights by
 * it. The program then runs, as another user than untraced, and may fail for that. That cannot be helped, but it is said.
 *
 * @module
 */

import { cString, type Kernel } from "../../ffi/ffi.ts";
import { readLink, readStatus, readText } from "./proc_files.ts";

const S_ISUID = 0o4000;
const S_ISGID = 0o2000;
/** Without it S_ISGID means something else (inode(7)). */
const S_IXGRP = 0o010;

/**
 * Tells whether the kernel has ignored the set-uid or set-gid bit of the program that a process has just executed.
 *
 * @param kernel The kernel's requests.
 * @param pid The process.
 * @returns The warning; undefined if all is as the file says.
 */
export function findIgnoredSetId(kernel: Kernel, pid: number): string | undefined {
  const path = `/proc/${pid}/exe`;
  const values = new Float64Array(7);
  if (kernel.call.ft_stat(cString(path), new Uint8Array(values.buffer)) < 0) return undefined;
  const [mode, , , , , uid, gid] = values as unknown as [number, number, number, number, number, number, number];
  if ((mode & (S_ISUID | S_ISGID)) === 0) return undefined;
  const status = readStatus(kernel, pid);
  if (status === undefined) return undefined;
  const lostUid = (mode & S_ISUID) !== 0 && status.uid[1] !== uid;
  const lostGid = (mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP) && status.gid[1] !== gid;
  if (!lostUid && !lostGid) return undefined;
  // Then it would be ignored without a tracer as well.
  if (/^NoNewPrivs:\t1$/m.test(readText(kernel, `/proc/${pid}/status`) ?? "")) return undefined;
  const name = readLink(kernel, path) ?? "its program";
  const [bit, owner] = lostUid ? ["set-uid", `uid ${uid}`] : ["set-gid", `gid ${gid}`];
  return `Process ${pid} executes ${name} without the rights of ${owner}: the kernel ignores its ${bit} bit ` +
    "while somebody without CAP_SYS_PTRACE traces it";
}
