/**
 * The names of Linux's error numbers and signals (asm-generic/errno.h, asm-generic/signal.h), as x86-64 and aarch64 have them.
 *
 * `node:os` knows them too; to load that takes longer than to read what is traced.
 *
 * @module
 */

/** The names of the error numbers, beginning with 0, which is none. */
export const ERROR_NAMES: readonly string[] = (
  "- EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV " +
  "ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK " +
  "ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT " +
  "EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV " +
  "ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX " +
  "ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT " +
  "ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET " +
  "ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH " +
  "EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY " +
  "EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON"
).split(" ");

/** The names of the signals, beginning with 0, which is none. */
export const SIGNAL_NAMES: readonly string[] = (
  "- SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM SIGTERM " +
  "SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGIO " +
  "SIGPWR SIGSYS"
).split(" ");

/** What stands for a number that has no name. */
const NAMELESS = "-";

/**
 * Names an error number.
 *
 * @param errno The number, positive.
 * @returns Its name, such as `EPERM`, or `errno 1234`.
 */
export function errnoName(errno: number): string {
  const name = ERROR_NAMES[errno] ?? NAMELESS;
  return name === NAMELESS ? `errno ${errno}` : name;
}

/**
 * Names a signal.
 *
 * @param signal The number.
 * @returns Its name, such as `SIGINT`; undefined for those that have none, such as real-time signals.
 */
export function signalName(signal: number): string | undefined {
  const name = SIGNAL_NAMES[signal];
  return name === NAMELESS ? undefined : name;
}
