/**
 * The device: probes at addresses that the caller knows, as programs of DTrace make them through `/dev/fasttrap`.
 *
 * *Problem.* Descriptions go by symbols. A compiler that has just made code, a debugger or another language's runtime
 * knows places that no symbol names. They ask for probes by address ({@linkcode Device.makeProbe}), and for what was
 * there before a trap ({@linkcode Device.getInstr}). What they ask for may be wrong in every way.
 *
 * *Method.* A request is copied once and validated whole before the process is touched (rules 18 to 20, 23, 28); a
 * caller's object with getters that change their minds is read one time. Whether the caller may touch the process is for
 * the kernel to say, at each request (rule 21). Then the probes are made as those of descriptions are.
 *
 * Errors are those of the ioctls, as {@linkcode SystemError}:
 *
 * | errno | when |
 * | --- | --- |
 * | `EAGAIN` | the session is closed |
 * | `EINVAL` | a type, a name, an address or an offset cannot be; no offset; an offset twice |
 * | `ENOMEM` | more than 131,042 offsets, or more tracepoints than the limit |
 * | `ESRCH` | there is no such process, it has ended, or it is a child that shares its parent's memory (vfork) |
 * | `EPERM` | the kernel does not let us trace it |
 * | `ENOENT` | no tracepoint is at the address |
 *
 * A probe that is there already is left as it is, with success (rule 25).
 *
 * @module
 */

import { cString } from "../../ffi/ffi.ts";
import { type Address, isAddress, toAddress } from "../address.ts";
import { DTraceError, SystemError } from "../errors.ts";
import type { Image, TracedProcess } from "../process/process.ts";
import { ESRCH } from "../process/ptrace.ts";
import type { Fasttrap } from "./fasttrap.ts";
import type { Probe, ProbeIdentity, ProbeParts } from "./probe.ts";

/** The longest name of a function in bytes (`DTRACE_FUNCNAMELEN` less the NUL). */
const FUNCTION_BYTES = 127;
/** The longest name of a module in bytes (`DTRACE_MODNAMELEN` less the NUL). */
const MODULE_BYTES = 63;
/** The most offsets in one request: (1 MiB - 240 bytes) / 8, as many as one copy into the kernel took. */
const OFFSETS_LIMIT = 131_042;

const PROVIDER_TYPES = ["pid", "objc", "oneshot"] as const;
const PROBE_TYPES = ["entry", "return", "offsets"] as const;

/** A request to make probes of one function (`fasttrap_probe_spec_t`). */
export interface ProbeSpec {
  /** The process. */
  readonly pid: number;
  /** The provider. */
  readonly providerType: "pid" | "objc" | "oneshot";
  /** `entry` and `return` make one probe with all offsets as its sites, `offsets` one probe for each. */
  readonly probeType: "entry" | "return" | "offsets";
  /** The module's name: 63 bytes of UTF-8 at most, without control characters. */
  readonly module: string;
  /** The function's name: 127 bytes of UTF-8 at most, without control characters. */
  readonly function: string;
  /** Where the function begins. */
  readonly address: number;
  /** Its size in bytes; a return probe fires for what leaves it. */
  readonly sizeBytes: number;
  /** Offsets of instructions in it, in any order. */
  readonly offsets: readonly number[];
}

/**
 * Makes probes at addresses that the caller knows, without symbols: for compilers, debuggers and runtimes of other languages.
 * Each session has one.
 */
export class Device {
  readonly #fasttrap: Fasttrap;
  readonly #attach: (pid: number) => TracedProcess;
  #closed = false;

  /**
   * Opens the device.
   *
   * @param fasttrap The tables.
   * @param attach Attaches to a process, or finds it attached.
   */
  constructor(fasttrap: Fasttrap, attach: (pid: number) => TracedProcess) {
    this.#fasttrap = fasttrap;
    this.#attach = attach;
  }

  /**
   * Makes probes at addresses (`FASTTRAPIOC_MAKEPROBE`). The process is attached to if it is not yet; descriptions find
   * the probes afterwards.
   *
   * @param spec What to make.
   * @returns The probes, those that were there already included.
   * @throws {SystemError} `EINVAL` if a type, a name, an address or an offset cannot be, an offset is there twice, or there
   *   is none; `ENOMEM` for more than 131,042 offsets, or more tracepoints than the session's limit, in which case those
   *   that were made before it stay; `ESRCH` if there is no such process, or it shares its parent's memory (vfork); `EPERM`
   *   if the kernel does not let us trace it; `EAGAIN` if the session is closed.
   */
  makeProbe(spec: ProbeSpec): readonly ProbeIdentity[] {
    const { pid, providerType, parts } = this.#check(spec);
    const { image } = this.#find(pid);
    const provider = this.#fasttrap.providers.provide({ type: providerType, name: providerType }, image);
    provider.creatingTotal++;
    try {
      return parts.map((part): Probe => this.#fasttrap.addProbe(provider, part));
    } finally {
      provider.creatingTotal--;
    }
  }

  /**
   * Reads the first unit of the original instruction under a tracepoint (`FASTTRAPIOC_GETINSTR`): a byte on x86-64.
   *
   * @param pid The process.
   * @param pc The address of the tracepoint.
   * @returns The unit, unsigned.
   * @throws {SystemError} `ENOENT` if no tracepoint is there; `EINVAL` if a number cannot be; `ESRCH`, `EPERM` and `EAGAIN`
   *   as for {@linkcode Device.makeProbe}.
   */
  getInstr(pid: number, pc: number): number {
    this.#checkOpen("read an instruction of", `process ${pid}`);
    checkPid(pid);
    if (!isAddress(pc)) throw invalid(`an instruction at ${pc}`, "it is no address");
    this.#judge(pid);
    const { image } = this.#fasttrap.tracer.processes.get(pid) ?? { image: undefined };
    const tracepoint = image && this.#fasttrap.tracepoints.find(image.pid, pc, image.isa.unitBytes);
    if (image === undefined || tracepoint?.image !== image) {
      throw new SystemError("ENOENT", "find", `a tracepoint of process ${pid} at 0x${pc.toString(16)}`);
    }
    return readUnit(image, pc);
  }

  /** Refuses all requests from now on. */
  close(): void {
    this.#closed = true;
  }

  /** Copies and validates a request. Nothing of the caller's is read afterwards. */
  #check(spec: ProbeSpec): { pid: number; providerType: ProbeSpec["providerType"]; parts: ProbeParts[] } {
    const { pid, providerType, probeType, module, function: functionName, address, sizeBytes, offsets } = spec;
    this.#checkOpen("make probes of", `process ${pid}`);
    if (!Array.isArray(offsets)) throw invalid("probes", "the offsets are no array");
    const count = offsets.length;
    if (count === 0) throw invalid("probes", "there is no offset");
    if (count > OFFSETS_LIMIT) throw new SystemError("ENOMEM", "make", `probes at ${count} offsets`);
    // Whatever kind of array it is: each element is read once, and no more than were counted.
    const copy: number[] = Array.from({ length: count }, (_, i) => offsets[i]!);
    checkPid(pid);
    if (!PROVIDER_TYPES.includes(providerType)) throw invalid(`provider "${providerType}"`, "there is no such type");
    if (!PROBE_TYPES.includes(probeType)) throw invalid(`probe "${probeType}"`, "there is no such type");
    checkName("module", module, MODULE_BYTES);
    checkName("function", functionName, FUNCTION_BYTES);
    if (!isAddress(address)) throw invalid(`function at ${address}`, "it is no address");
    if (!isAddress(sizeBytes)) throw invalid(`function of ${sizeBytes} bytes`, "it is no size");
    const sites = siteAddresses(address, sizeBytes, copy);
    const common = { module, function: functionName, functionAddress: address, functionBytes: sizeBytes };
    const parts: ProbeParts[] = probeType === "offsets"
      ? sites.map((site) => ({ ...common, name: (site - address).toString(16), kind: "offset", sites: [site] }))
      : [{ ...common, name: probeType, kind: probeType, sites }];
    return { pid, providerType, parts };
  }

  #checkOpen(request: string, subject: string): void {
    if (this.#closed) throw new SystemError("EAGAIN", request, subject);
  }

  /** Finds the process that probes are to be made in. */
  #find(pid: number): TracedProcess {
    this.#judge(pid);
    try {
      return this.#attach(pid);
    } catch (error) {
      throw error instanceof DTraceError ? asSystemError(error, pid) : error;
    }
  }

  /** Asks the kernel whether we may touch a process; what it said before does not count. */
  #judge(pid: number): void {
    const { call } = this.#fasttrap.tracer.kernel;
    const fd = call.ft_open(cString(`/proc/${pid}/mem`), 1);
    if (fd >= 0) call.ft_close(fd);
    else if (fd === -ESRCH || fd === -ENOENT) throw new SystemError("ESRCH", "trace", `process ${pid}`);
    else throw new SystemError("EPERM", "trace", `process ${pid}`);
  }
}

/** `ENOENT` as the C library returns it, negated. */
const ENOENT = 2;

/** The reason for which a process could not be attached, as the error that the kernel has for it. */
function asSystemError(error: DTraceError, pid: number): SystemError {
  const errno = error.cause instanceof SystemError ? error.cause.errno : "ESRCH";
  // What shares its parent's memory, and what has no memory, is no process that probes could be made in.
  const name = errno === "EINVAL" ? "ESRCH" : errno;
  return new SystemError(name, "trace", `process ${pid}`, { cause: error, hint: error.hint });
}

function checkPid(pid: number): void {
  if (!Number.isInteger(pid) || pid <= 0 || pid > 2 ** 31 - 1) throw invalid(`process ${pid}`, "it is no process id");
}

function checkName(kind: string, name: string, limitBytes: number): void {
  if (typeof name !== "string") throw invalid(`the ${kind}`, "its name is no string");
  const size = new TextEncoder().encode(name).length;
  if (size > limitBytes) throw invalid(`the ${kind}`, `its name has ${size} bytes, more than ${limitBytes}`);
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  if (!name.isWellFormed() || /[\x00-\x1f\x7f]/.test(name)) {
    throw invalid(`the ${kind}`, "its name has control characters, or is not Unicode");
  }
}

/** The addresses of the sites, ascending. */
function siteAddresses(address: Address, sizeBytes: number, offsets: readonly number[]): Address[] {
  const sites = new Set<Address>();
  for (const offset of offsets) {
    if (!isAddress(offset) || offset >= sizeBytes || !isAddress(address + offset)) {
      throw invalid(`offset ${offset}`, `it is not in a function of ${sizeBytes} bytes`);
    }
    sites.add(toAddress(address + offset));
  }
  if (sites.size < offsets.length) throw invalid("probes", "an offset is there twice");
  return [...sites].sort((a, b) => a - b);
}

function invalid(subject: string, why: string): SystemError {
  return new SystemError("EINVAL", "make", subject, { cause: new RangeError(`Cannot use ${subject}: ${why}`) });
}

function readUnit(image: Image, pc: Address): number {
  const bytes = new Uint8Array(image.isa.unitBytes);
  image.memory.read(pc, bytes);
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}
