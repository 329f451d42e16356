/**
 * A traced target with its tables, below the session: nothing happens to it but what a test does.
 *
 * @module
 */

import { assert } from "@std/assert";
import { type Kernel, openKernel } from "../../ffi/ffi.ts";
import { type Address, toAddress } from "../../lib/address.ts";
import { Fasttrap, type FasttrapListener, type FasttrapOptions } from "../../lib/fasttrap/fasttrap.ts";
import type { Enabling, Probe, ProbeKind } from "../../lib/fasttrap/probe.ts";
import type { FunctionProviderType } from "../../lib/fasttrap/provider.ts";
import { attach, detach } from "../../lib/process/attach.ts";
import { listModules } from "../../lib/process/modules.ts";
import type { TracedProcess } from "../../lib/process/process.ts";
import { rawMemory, type TargetProgram } from "../support.ts";

/** A traced target with its tables. */
export class Traced implements Disposable {
  readonly kernel: Kernel;
  readonly fasttrap: Fasttrap;
  readonly process: TracedProcess;
  readonly warnings: string[] = [];

  constructor(
    target: TargetProgram,
    options: FasttrapOptions = {},
    kernel: Kernel = openKernel(),
    listener: Partial<FasttrapListener> = {},
  ) {
    this.kernel = kernel;
    this.fasttrap = new Fasttrap(this.kernel, {
      adopts: () => false,
      started: () => {},
      executed: () => {},
      ended: () => {},
      warn: (message) => this.warnings.push(message),
      ...listener,
    }, options);
    this.process = attach(this.fasttrap.tracer, target.pid);
  }

  /** Makes a probe of a function of the program; sites are offsets in it. */
  probe(
    name: string,
    kind: ProbeKind,
    sites: readonly number[],
    label: string = kind,
    type: FunctionProviderType = "pid",
  ): Probe {
    const { address, sizeBytes } = this.find(name);
    return this.fasttrap.makeProbe(type, this.process.image, {
      module: "a.out",
      function: name,
      name: label,
      kind,
      functionAddress: address,
      functionBytes: sizeBytes,
      sites: sites.map((offset) => toAddress(address + offset)),
    });
  }

  find(name: string): { address: Address; sizeBytes: number } {
    const program = listModules(this.kernel, this.process).find(({ isProgram }) => isProgram)!;
    const symbol = program.symbols().table.find(name)!;
    return { address: program.addressOf(symbol), sizeBytes: symbol.sizeBytes };
  }

  /** The bytes of a function as they are in memory. */
  bytes(name: string): number[] {
    const { address, sizeBytes } = this.find(name);
    return [...rawMemory(this.process.pid, address, sizeBytes)];
  }

  /** Handles stops until something is so. */
  pumpUntil(condition: () => boolean): void {
    const end = performance.now() + 10_000;
    while (!condition() && performance.now() < end) this.fasttrap.tracer.pump(1000);
    assert(condition());
  }

  [Symbol.dispose](): void {
    if (this.process.alive) detach(this.fasttrap.tracer, this.process);
    this.kernel[Symbol.dispose]();
  }
}

/** A kernel some of whose requests are answered by the test. */
export function kernelWith(change: (own: Kernel["call"]) => Partial<Kernel["call"]>): Kernel {
  const own = openKernel();
  return {
    call: Object.create(own.call, Object.getOwnPropertyDescriptors(change(own.call))),
    check: (...args) => own.check(...args),
    [Symbol.dispose]: () => own[Symbol.dispose](),
  };
}

/** An enabling that notes the names of what fires. */
export function noting(into: string[], prefix = ""): Enabling {
  return { fire: ({ probe }) => void into.push(prefix + probe.name) };
}

/** Whether all threads of a process but the first are blocked in read(2). */
export function allRead(pid: number): boolean {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].every(({ name }) =>
    Number(name) === pid || Deno.readTextFileSync(`/proc/${pid}/task/${name}/syscall`).startsWith("0 ")
  );
}

/** Handles stops until the program has written a line. */
export async function nextLine(target: TargetProgram, traced: Traced): Promise<string> {
  let line: string | undefined;
  target.line().then((text) => line = text);
  while (line === undefined) {
    traced.fasttrap.tracer.pump(100);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return line;
}
