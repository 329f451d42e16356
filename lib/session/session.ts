/**
 * A session: everything that one tracing program has to do with, from attaching to letting go.
 *
 * *Ownership.* A session owns the C library, the tracer, the tables and the targets; there is no other state anywhere.
 * Disposing of it lets every target go with its text restored, and is safe at any moment: with `using`, in an exception,
 * in a signal handler. While anything is traced it guards against the end of the program; see `end_guard.ts`.
 *
 * *A program that the session starts* is held before it runs anything of its own until the first turn, so that probes
 * can be enabled in it. If the session ends before, it never runs: who asked for it to be traced did not ask for it to run
 * untraced.
 *
 * @module
 */

import { type Kernel, openKernel, openKernelFromBytes } from "../../ffi/ffi.ts";
import { DTraceError } from "../errors.ts";
import type { Capture } from "../isa/captures.ts";
import { Device } from "../fasttrap/device.ts";
import { Fasttrap } from "../fasttrap/fasttrap.ts";
import { inspectProbe, type ProbeDetails } from "../fasttrap/inspect.ts";
import { Probe, type ProbeIdentity } from "../fasttrap/probe.ts";
import type { Hit } from "../fasttrap/hit.ts";
import { type FasttrapStats, takeStats } from "../fasttrap/stats.ts";
import { attach, detach } from "../process/attach.ts";
import type { Module } from "../process/modules.ts";
import { readLink } from "../process/proc_files.ts";
import type { TracedProcess } from "../process/process.ts";
import { discard, spawn } from "../process/spawn.ts";
import { runToMoment } from "../process/startup.ts";
import { asProbeDescription, noProbesError, type ProbeDescription } from "../spec/probe_description.ts";
import { DrainPace } from "./drain_pace.ts";
import { type Enabled, EnabledProbes } from "./enabled.ts";
import { EndGuard } from "./end_guard.ts";
import type { TraceEvent } from "./event.ts";
import { EventLoop } from "./event_loop.ts";
import { checkConsumer } from "./check_consumer.ts";
import { EventQueue } from "./event_queue.ts";
import type { EnableOptions, ListOptions, ProvidedDof, SessionOptions, StartOptions } from "./options.ts";
import { makeProbes, mayMakeLater } from "./making.ts";
import { ModuleFollower } from "./module_follower.ts";
import { ThreadSampler } from "./sample.ts";
import { type DofPlacement, mayBeStatic, StaticProbes } from "./static_probes.ts";
import { type Found, FUNCTIONS_HINT, gather, subjectOf } from "./subject.ts";
import { Target } from "./target.ts";
import { unload } from "./unload.ts";

/** The C library of a session, for what the command does beside it: to load it again takes as long as to attach. */
export let kernelOf: (session: Session) => Kernel;

/**
 * The processes that are traced, the probes in them, and the loop that takes hits. Disposing of it, best by `using`, lets
 * all go with their text restored; what needs a process throws a TypeError then. Hits are taken only in `run()`, `events()`
 * or `batches()`: until then a thread waits at its hit, unless a jump counts or records it.
 */
export class Session implements Disposable, AsyncDisposable {
  /** Probes at addresses that the program knows, without symbols. */
  readonly device: Device;
  /** How many records of jumps could not be read, by CPU: threads were killed in the middle, or the program has destroyed them. */
  readonly unreadableByCpu: ReadonlyMap<number, number>;
  readonly #kernel: Kernel;
  readonly #fasttrap: Fasttrap;
  readonly #loop: EventLoop;
  readonly #pace = new DrainPace();
  readonly #guard: EndGuard;
  readonly #sampler: ThreadSampler;
  readonly #options: SessionOptions;
  readonly #targets = new Map<number, Target>();
  readonly #held = new Set<TracedProcess>();
  readonly #modules: ModuleFollower;
  readonly #statics: StaticProbes;
  readonly #enabled = new Set<EnabledProbes>();
  readonly #events: EventQueue;
  #stopped = false;
  #closed = false;
  static {
    kernelOf = (session) => session.#kernel;
  }

  /**
   * Opens a session.
   *
   * @param options See {@linkcode SessionOptions}.
   * @throws {SystemError} If the C library cannot be loaded, with a hint how to build it.
   */
  constructor(options: SessionOptions = {}) {
    this.#options = options;
    this.#events = new EventQueue({ tellsCpu: options.cpu ?? false });
    this.#kernel = options.library === undefined ? openKernel() : openKernelFromBytes(options.library);
    this.#fasttrap = new Fasttrap(this.#kernel, {
      adopts: ({ pid, ancestors }) =>
        (options.follow ?? false) && [pid, ...ancestors].some((each) => this.#targets.has(each)),
      started: (process) => this.#started(process),
      executed: (process) => {
        this.#modules.sweep();
        this.#sweep();
        this.#targets.get(process.pid)?.replaced();
        // What cannot be traced is let go.
        if (!process.image.alive) this.#targets.get(process.pid)?.detached();
      },
      ended: (process) => {
        this.#modules.sweep();
        this.#sweep();
        this.#targets.get(process.pid)?.ended(process.endStatus);
      },
      warn: (message) => this.#warn(message),
    }, options);
    this.#modules = new ModuleFollower(this.#kernel, this.#fasttrap, (message) => this.#warn(message));
    this.#statics = new StaticProbes(this.#fasttrap);
    this.unreadableByCpu = this.#fasttrap.records.unreadableByCpu;
    this.device = new Device(this.#fasttrap, (pid) => this.#processOf(pid));
    this.#loop = new EventLoop(
      this.#kernel,
      this.#fasttrap.tracer,
      () => this.#pace.dueMs(this.#fasttrap.records.fill),
    );
    this.#sampler = new ThreadSampler(this.#fasttrap.tracer);
    this.#guard = new EndGuard(this.#kernel, () => this.#detachAll());
  }

  /** The processes that were attached or started, those that have ended included. `$target` is the first one. */
  get targets(): readonly Target[] {
    return [...this.#targets.values()];
  }

  /**
   * Attaches to a running process, which keeps running.
   *
   * @param pid The process.
   * @returns The target.
   * @throws {DTraceError} `D_PROC_GRAB` with the reason, and what can be done, if it cannot be attached.
   */
  attach(pid: number): Target {
    const known = this.#targets.get(pid);
    if (known?.alive) return known;
    const target = this.#add(attach(this.#fasttrap.tracer, pid));
    this.#enableAgain(this.#processOf(pid));
    return target;
  }

  /**
   * Starts a program and holds it until the first turn.
   *
   * @param program Its file; without a slash it is searched for in PATH.
   * @param options Arguments, directory, environment, descriptors, and how far it runs at first.
   * @returns The target.
   * @throws {DTraceError} `D_PROC_CREATE` if it cannot be started, `D_PROC_GRAB` if it cannot be traced.
   */
  spawn(program: string, options: StartOptions = {}): Target {
    this.#loop.unbind();
    const process = spawn(this.#fasttrap.tracer, program, options);
    this.#held.add(process);
    const target = this.#add(process);
    runToMoment(this.#fasttrap.tracer, process, options.moment ?? "preinit");
    this.#enableAgain(process);
    return target;
  }

  /**
   * Lists the probes that a description matches, without enabling them. They get their numbers.
   *
   * @param description A probe description, such as `pid$target:libc.so.6:malloc:entry`. A process that it names and
   *   that is no target yet is attached. One whose provider does not end in a pid, such as `postgresql*:::`, means the
   *   static probes of all targets.
   * @param options Whether nothing may be matched.
   * @returns The probes.
   * @throws {SyntaxError} If the description cannot be parsed.
   * @throws {DTraceError} If it names what cannot be (`D_PROC_FUNC`, `D_PROC_OFF`...), or nothing (`D_PDESC_ZERO`).
   */
  list(description: string | ProbeDescription, options: ListOptions = {}): readonly ProbeIdentity[] {
    const found = this.#find(description, options);
    return gather(found, options, (each, some) => this.#make(each, this.#modules.list(each.process), some));
  }

  /**
   * Tells what is known of a probe: how much one may rely on it, and what its sites are.
   *
   * @param probe A probe of this session, as {@linkcode Session.list} and {@linkcode Enabled.probes} give it.
   * @param recorded What would be captured if its hits are recorded; nothing by default.
   * @returns What is known now.
   * @throws {TypeError} If it is no probe of a session.
   */
  inspect(probe: ProbeIdentity, recorded: readonly Capture[] = []): ProbeDetails {
    if (!(probe instanceof Probe)) throw new TypeError("Cannot inspect what is no probe of a session");
    return inspectProbe(this.#fasttrap, probe, recorded);
  }

  /**
   * Enables the probes that a description matches. The target stops once, for a moment. Modules that it loads later get
   * their probes before any of their code runs. A description of no process in particular is about all targets, those to
   * come as well.
   *
   * @param description As for {@linkcode Session.list}.
   * @param options What is done at a hit, where the default is an event; what is captured; whether nothing may be matched.
   * @returns What has been enabled; disposing of it disables it.
   * @throws {SyntaxError} If the description cannot be parsed.
   * @throws {DTraceError} If it names what cannot be, or nothing; then nothing is enabled.
   * @throws {RangeError} If what is to be tallied or captured cannot be.
   * @throws {TypeError} If more than one of `handler`, `record`, `count` and `tally` is given.
   */
  enable(description: string | ProbeDescription, options: EnableOptions = {}): Enabled {
    const { count, handler, record, tally, capture, added } = options;
    checkConsumer(options);
    const captures = capture?.length === 0 ? undefined : capture?.map((each) => ({ ...each }));
    const found = this.#find(description, options);
    const enabled = new EnabledProbes(this.#fasttrap, {
      handler,
      tally,
      record: count ? undefined : record ?? ((hit) => this.#events.add(hit, captures)),
      captures,
      added,
      warn: (message) => this.#warn(message),
      disposed: (enabled) => this.#enabled.delete(enabled),
    });
    this.#enabled.add(enabled);
    enabled.target = options.target ?? this.#targets.keys().next().value;
    enabled.template = asProbeDescription(description);
    try {
      gather(found, options, (each, some) => this.#enable(enabled, each, some));
      this.#pace.enabled();
    } catch (error) {
      enabled[Symbol.dispose]();
      throw error;
    }
    return enabled;
  }

  /**
   * Makes the static probes of DTrace Object Format that a process has in memory, or that somebody has made for it. They
   * can be listed and enabled from then on.
   *
   * @param pid The process, which is attached if it is no target yet.
   * @param dof The DOF, or its address in the process.
   * @param placement The module that its probes are in, and by how much the object was moved when it was loaded.
   * @returns What {@linkcode Session.removeDof} takes.
   * @throws {DTraceError} With a tag that begins with `D_DOF_` if it is malformed or cannot be read, `D_PROC_GRAB` if the
   *   process cannot be attached.
   */
  addDof(pid: number, dof: Uint8Array | number, placement: DofPlacement = {}): ProvidedDof {
    const process = this.#processOf(pid);
    const object = this.#statics.addDof(process, dof, placement, this.#modules.list(process));
    return { probes: object.probes, [Symbol.dispose]: () => object.release() };
  }

  /**
   * Takes back the static probes that {@linkcode Session.addDof} has made. Those that are enabled stop firing.
   *
   * @param provided What it has returned; once is enough.
   */
  removeDof(provided: ProvidedDof): void {
    provided[Symbol.dispose]();
  }

  /**
   * Copies the tables of providers, processes and tracepoints, for tests and for whoever wants to know what is held.
   *
   * @returns The copy.
   */
  stats(): FasttrapStats {
    return takeStats(this.#fasttrap);
  }

  /**
   * Looks at each thread of the targets that runs at this moment, wherever it is; it goes on at once. Not for handlers.
   *
   * @param handler Called for each while it is stopped. The hit is of no probe: `arg(1)` is the pc, and nothing can be set.
   */
  sample(handler: (hit: Hit) => void): void {
    this.#sampler.sample(handler);
  }

  /**
   * Handles hits until all targets have ended or been let go, or {@linkcode Session.stop} is called.
   *
   * @throws What a handler has thrown. The targets have been let go then.
   */
  async run(): Promise<void> {
    for await (const _ of this.batches());
  }

  /**
   * Handles hits as {@linkcode Session.run} does, and gives the recorded events, one by one.
   *
   * @returns The events.
   */
  async *events(): AsyncGenerator<TraceEvent, void, void> {
    for await (const batch of this.batches()) yield* batch;
  }

  /**
   * Handles hits as {@linkcode Session.run} does, and gives the recorded events of each turn, which is cheaper than one
   * by one. Targets wait at their probes while a batch is dealt with.
   *
   * @returns The batches; some are empty.
   */
  async *batches(): AsyncGenerator<readonly TraceEvent[], void, void> {
    this.#stopped = false;
    this.#start();
    try {
      while (!this.#stopped && !this.#closed && !this.#fasttrap.tracer.idle) {
        await this.#loop.turn();
        this.#fasttrap.records.drainAll();
        const error = this.#fasttrap.takeError();
        if (error !== undefined) {
          this.#detachAll();
          throw error[0];
        }
        yield this.takeEvents();
      }
    } finally {
      this.#fasttrap.records.rest();
      this.#loop.rest();
    }
    if (!this.#events.isEmpty) yield this.takeEvents();
  }

  /**
   * Takes the events that have been recorded and not been given to anybody: those of the last moments, when the targets
   * have been let go.
   *
   * @returns The events, in the order of their times.
   */
  takeEvents(): readonly TraceEvent[] {
    return this.#events.take();
  }

  /**
   * Gives what jumps have recorded until now to whoever wants it. While somebody takes turns, that is done every few
   * milliseconds anyway. Called by who gets a record, it does nothing.
   */
  drain(): void {
    if (!this.#closed) this.#fasttrap.records.drainAll();
  }

  /** Ends {@linkcode Session.run}, {@linkcode Session.batches} and {@linkcode Session.events}. */
  stop(): void {
    this.#stopped = true;
    this.#loop.wake();
  }

  /**
   * Lets a target go, with its text restored. What could not be restored is a warning (`SessionOptions.onWarning`).
   *
   * @param target The target. One that has ended is no mistake.
   */
  detach(target: Target): void {
    const process = this.#fasttrap.tracer.processes.get(target.pid);
    if (process !== undefined && target.alive) this.#detach(process);
    target.detached();
    // Whoever runs the session has nothing to wait for any more, if this was the last target.
    this.#loop.wake();
  }

  /** Lets all targets go and unloads the C library, if no wait is under way; else as soon as it is over. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#detachAll();
    this.device.close();
    for (const enabled of [...this.#enabled]) enabled[Symbol.dispose]();
    this.#fasttrap.cleanup.run();
    this.#fasttrap.cleanup[Symbol.dispose]();
    this.#guard[Symbol.dispose]();
    this.#loop.wake();
    const { pending } = this.#loop;
    if (pending === undefined) unload(this.#kernel, this.#fasttrap.tracer);
    else void pending.finally(() => unload(this.#kernel, this.#fasttrap.tracer));
  }

  /** Lets all targets go, and unloads the C library when no wait is under way any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    await this.#loop.pending;
  }

  #add(process: TracedProcess): Target {
    const target = new Target(process.pid);
    this.#targets.set(process.pid, target);
    this.#guard.start({ signals: this.#options.signals ?? true });
    return target;
  }

  /** Finds the processes that a description is about, and attaches to them; none if nothing is meant and that may be. */
  #find(description: string | ProbeDescription, options: ListOptions): Found[] {
    const { allowNone = false, target = this.#targets.keys().next().value } = options;
    const subject = subjectOf(asProbeDescription(description), target);
    const { fields } = subject;
    if (subject.pid !== undefined) return [{ process: this.#processOf(subject.pid), fields }];
    const { processes } = this.#fasttrap.tracer;
    const found = this.targets.flatMap(({ pid, alive }) => alive ? processes.get(pid) ?? [] : []);
    if (found.length === 0 && !allowNone) throw noProbesError(fields, FUNCTIONS_HINT);
    return found.map((process) => ({ process, fields }));
  }

  /** Enables what a description matches now, and what it will match when modules are loaded. */
  #enable(enabled: EnabledProbes, found: Found, options: ListOptions): readonly Probe[] {
    let modules = this.#modules.list(found.process);
    const isStatic = mayBeStatic(found.fields.provider, found.process.pid);
    if (isStatic || mayMakeLater(found.process, modules, found.fields)) {
      const request = this.#modules.follow(found.process, {
        came: (fresh, all) => enabled.add(this.#make(found, all, { allowNone: true, among: fresh })),
        went: (gone) => {
          enabled.remove(gone);
          this.#statics.release(found.process, gone);
        },
      });
      enabled.requests.add(request);
      modules = request.modules;
    }
    try {
      const probes = this.#make(found, modules, options);
      enabled.add(probes);
      return probes;
    } catch (error) {
      if (!options.allowNone || !(error instanceof DTraceError)) throw error;
      // A function or an offset that one of several programs does not have, or that cannot be read any more.
      const isGone = readLink(this.#kernel, `/proc/${found.process.pid}/exe`) === undefined;
      if (!this.#options.follow && !isGone) throw error;
      return [];
    }
  }

  /** A process is about to run for the first time: what is enabled in the target that it descends from is so in it. */
  #started(process: TracedProcess): void {
    const { pid, ancestors } = process;
    if (!this.#targets.get(pid)?.alive) this.#add(process);
    this.#enableAgain(process, [pid, ...ancestors]);
  }

  /** Enables in a process that has come what is enabled in all, and what `$target` means in the targets that it is of. */
  #enableAgain(process: TracedProcess, family: readonly number[] = []): void {
    for (const enabled of [...this.#enabled]) {
      const { target, template } = enabled;
      if (template === undefined) continue;
      const isFamily = target !== undefined && family.includes(target) && template.provider.includes("$target");
      const subject = subjectOf(template, isFamily ? process.pid : target);
      if (!isFamily && subject.pid !== undefined) continue;
      this.#enable(enabled, { process, fields: subject.fields }, { allowNone: true });
    }
  }

  /** Gives up what was enabled in programs that are gone, of which there can be many where children are followed. */
  #sweep(): void {
    if (!this.#options.follow) return;
    for (const enabled of [...this.#enabled]) enabled.sweep();
  }

  /** Makes the probes that a description asks for in modules, and finds those that are there already. */
  #make(
    { process, fields }: Found,
    modules: readonly Module[],
    { allowNone = false, among }: ListOptions & { readonly among?: readonly Module[] },
  ): readonly Probe[] {
    if (mayBeStatic(fields.provider, process.pid)) this.#statics.provide(process, modules, among);
    const { probes, problems, hint } = makeProbes(this.#fasttrap, process, fields, { modules, among });
    for (const problem of problems) this.#warn(problem);
    if (probes.length === 0 && !allowNone) throw noProbesError(fields, hint);
    return probes;
  }

  /** The process of a pid, which is attached if it is not yet. */
  #processOf(pid: number): TracedProcess {
    this.attach(pid);
    const process = this.#fasttrap.tracer.processes.get(pid);
    if (process === undefined) throw new DTraceError("D_PROC_GRAB", `Cannot grab process ${pid}: it has ended`);
    return process;
  }

  /** Lets the programs run that were held since they were started. */
  #start(): void {
    for (const process of this.#held) {
      for (const thread of process.threads.values()) {
        if (thread.state === "stopped") this.#fasttrap.tracer.enqueue(thread);
      }
    }
    this.#held.clear();
  }

  #detachAll(): void {
    for (const process of this.#held) discard(this.#fasttrap.tracer, process);
    this.#held.clear();
    for (const process of [...this.#fasttrap.tracer.processes.values()]) if (process.wanted) this.#detach(process);
    for (const target of this.#targets.values()) target.detached();
    this.stop();
  }

  #detach(process: TracedProcess): void {
    this.#held.delete(process);
    try {
      detach(this.#fasttrap.tracer, process);
    } catch (error) {
      this.#warn((error as Error).message);
    }
    this.#modules.sweep();
  }

  #warn(message: string): void {
    this.#options.onWarning?.(message);
  }
}
