/**
 * Modules that come and go while a process is traced.
 *
 * *Problem.* A description such as `pid$target:libplugin*::entry` is about modules that the program may load by
 * dlopen(3) in an hour. Their probes are to be there before any of their code runs, constructors included; those of a
 * module that is unloaded must go without a word; and loaded again elsewhere, it is to be traced there.
 *
 * *Method.* The dynamic linker calls an empty function before and after each change of its lists (`rendezvous.ts`). A
 * probe is enabled on it as on any other function, except that it has no number and is seen by nobody. When it fires
 * and no change is under way, the modules are listed, and compared with those that each request has seen. The thread
 * that loads waits meanwhile, with the linker's lock, so that no other thread can load or unload either.
 *
 * *Invariants and orderings.*
 * - The probe is in place before a request's modules are listed for the first time: what is loaded later is announced.
 * - All modules that have gone are dealt with before any that has come, which may lie at the same address.
 * - The probe is there only as long as there are requests. Requests that no later module can match are not made.
 * - What cannot be enabled later is no exception to anybody: it is warned of.
 *
 * *Limit.* An IFUNC of a module that glibc is loading has not been resolved when it is announced: its resolver is probed,
 * which a warning says.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import type { Address } from "../address.ts";
import { DTraceError } from "../errors.ts";
import type { Fasttrap } from "../fasttrap/fasttrap.ts";
import type { Enabling, Probe } from "../fasttrap/probe.ts";
import { listModules, type Module } from "../process/modules.ts";
import type { Image, TracedProcess } from "../process/process.ts";
import { Rendezvous } from "../process/rendezvous.ts";

/** The name by which linkers of all C libraries export the function that they call. */
const NOTIFIER_NAME = "_dl_debug_state";

/** Who wants to hear of modules. */
export interface ModuleListener {
  /**
   * Modules have been loaded; none of their code has run.
   *
   * @param fresh These modules.
   * @param modules All modules.
   */
  came(fresh: readonly Module[], modules: readonly Module[]): void;
  /**
   * Modules have been unloaded; their memory is gone.
   *
   * @param gone These modules.
   */
  went(gone: readonly Module[]): void;
}

/** A request that is being followed. Disposing of it ends that. */
export interface ModuleRequest extends Disposable {
  /** The modules that were there when it was made. What comes and goes is told to the listener. */
  readonly modules: readonly Module[];
  /** Whether the program is gone that they are of, so that there is nothing to be told any more. */
  readonly isOver: boolean;
}

/** What is kept of a memory image. */
interface ImageModules {
  readonly rendezvous: Rendezvous;
  modules: readonly Module[];
}

/** An image whose modules are followed. */
interface Following {
  readonly process: TracedProcess;
  readonly image: Image;
  /** What each listener has been told of. */
  readonly seen: Map<ModuleListener, ReadonlySet<Module>>;
  /** The probe on the linker's function, and its enabling; undefined without one. */
  watch: { readonly probe: Probe; readonly enabling: Enabling } | undefined;
}

/** See the module's comment. */
export class ModuleFollower {
  readonly #kernel: Kernel;
  readonly #fasttrap: Fasttrap;
  readonly #warn: (message: string) => void;
  readonly #images = new WeakMap<Image, ImageModules>();
  readonly #followings = new Map<Image, Following>();

  /**
   * Makes a follower of nothing.
   *
   * @param kernel The kernel's requests.
   * @param fasttrap The tables.
   * @param warn Hears of what cannot be followed.
   */
  constructor(kernel: Kernel, fasttrap: Fasttrap, warn: (message: string) => void) {
    this.#kernel = kernel;
    this.#fasttrap = fasttrap;
    this.#warn = warn;
  }

  /**
   * Lists the modules of a process as they are now. Those that were there before are the same objects.
   *
   * @param process The process.
   * @returns Its modules.
   */
  list(process: TracedProcess): readonly Module[] {
    const state = this.#stateOf(process.image);
    const { objects } = state.rendezvous.read();
    state.modules = listModules(this.#kernel, process, objects).map((module) =>
      state.modules.find((known) => isSame(known, module)) ?? module
    );
    return state.modules;
  }

  /**
   * Tells a listener from now on which modules come and go.
   *
   * @param process The process.
   * @param listener The listener.
   * @returns The request.
   */
  follow(process: TracedProcess, listener: ModuleListener): ModuleRequest {
    const { image } = process;
    let following = this.#followings.get(image);
    if (following === undefined) {
      following = { process, image, seen: new Map(), watch: undefined };
      this.#followings.set(image, following);
      this.#startWatch(following);
    }
    const modules = this.list(process);
    following.seen.set(listener, new Set(modules));
    return {
      modules,
      get isOver() {
        return !image.alive;
      },
      [Symbol.dispose]: () => this.#unfollow(following, listener),
    };
  }

  /** Forgets the images that are no more. */
  sweep(): void {
    for (const following of [...this.#followings.values()]) if (!following.image.alive) this.#stop(following);
  }

  #unfollow(following: Following, listener: ModuleListener): void {
    following.seen.delete(listener);
    if (following.seen.size === 0) this.#stop(following);
  }

  #stop(following: Following): void {
    if (this.#followings.get(following.image) === following) this.#followings.delete(following.image);
    const { watch } = following;
    following.watch = undefined;
    if (watch === undefined) return;
    this.#fasttrap.disable([watch.probe], watch.enabling);
    this.#fasttrap.cleanup.request(watch.probe.owner);
  }

  #startWatch(following: Following): void {
    const { process, image } = following;
    const address = this.#notifierOf(process);
    // A static program loads nothing.
    if (address === undefined) return;
    const probe = this.#fasttrap.makeInternalProbe(image, {
      module: "",
      function: NOTIFIER_NAME,
      name: "entry",
      kind: "entry",
      functionAddress: address,
      functionBytes: image.isa.unitBytes,
      sites: [address],
    });
    const enabling = { fire: () => this.#notified(following) };
    following.watch = { probe, enabling };
    for (const { reason } of this.#fasttrap.enable([probe], enabling)) {
      this.#warn(`Cannot follow the modules that process ${process.pid} loads: ${reason}`);
    }
  }

  /** Where the linker's function is; undefined if there is no linker. */
  #notifierOf(process: TracedProcess): Address | undefined {
    const { rendezvous } = this.#stateOf(process.image);
    const told = rendezvous.notifier;
    if (told !== undefined) return told;
    const { linkerBase } = rendezvous;
    const linker = this.list(process).find(({ isProgram, mappings }) =>
      linkerBase === 0 ? isProgram : mappings[0]!.start === linkerBase
    );
    try {
      const symbol = linker?.symbols().table.find(NOTIFIER_NAME);
      return symbol && linker!.addressOf(symbol);
    } catch (error) {
      if (!(error instanceof DTraceError)) throw error;
      this.#warn(`Cannot follow the modules that process ${process.pid} loads: ${error.message}`);
      return undefined;
    }
  }

  #notified(following: Following): void {
    const { process, image, seen } = following;
    if (!image.alive || !this.#stateOf(image).rendezvous.read().consistent) return;
    const modules = this.list(process);
    const present = new Set(modules);
    const listeners = [...seen];
    for (const [listener, known] of listeners) {
      const gone = [...known].filter((module) => !present.has(module));
      if (gone.length > 0) this.#tell(() => listener.went(gone));
    }
    for (const [listener, known] of listeners) {
      const fresh = modules.filter((module) => !known.has(module));
      seen.set(listener, present);
      if (fresh.length > 0) this.#tell(() => listener.came(fresh, modules));
    }
  }

  #tell(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#warn((error as Error).message);
    }
  }

  #stateOf(image: Image): ImageModules {
    let state = this.#images.get(image);
    if (state === undefined) {
      state = { rendezvous: new Rendezvous(this.#kernel, image), modules: [] };
      this.#images.set(image, state);
    }
    return state;
  }
}

/** Whether two records are of one module that has stayed where it is. Its data may have got other permissions. */
function isSame(a: Module, b: Module): boolean {
  return a.path === b.path && a.linkMap === b.linkMap && a.mappings[0]!.start === b.mappings[0]!.start &&
    a.mappings[0]!.file === b.mappings[0]!.file && a.code[0]!.start === b.code[0]!.start;
}
