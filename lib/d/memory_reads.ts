/**
 * What clauses read of the program's memory, as far as it can be said before they run.
 *
 * *Problem.* What a pointer leads to may have changed when a clause runs on a record of the hit. It can be copied at the hit, if
 * it is known by then where it begins and how much is wanted.
 *
 * *Method.* An address is known if it is an argument, with a constant added to it or not; or a pointer that is read from such an
 * address (`*(uintptr_t *)copyin(arg0 + 8, 8)`), and so on. So is that of an expression which is one of several such
 * (`arg0 ? arg0 : arg1`), and that of a variable of the firing (`this->p`) to which the whole program assigns nothing else: the
 * memory behind all of them is wanted then. Addresses of the clause's own memory (`copyin()`, `alloca()`), and those of the first
 * page, lead to nothing of the program. All other addresses, and sizes without a limit, are reasons to look at the thread's
 * memory while it waits.
 *
 * *Copies.* What `copyin()` has copied holds the pointers of the program, until something is stored there: a program that stores
 * into memory anywhere is not followed through copies. They last as long as the clause, so variables lead to copies only in the
 * clause that assigns them.
 *
 * @module
 */

import { loadedBytes } from "./code/place_code.ts";
import type { Call, Expression, Load, SubroutineName, ToString, Variable } from "./expression.ts";
import { numberOf } from "./int64.ts";
import { isInTarget } from "./needs.ts";
import type { Clause, Statement } from "./tree.ts";
import { allExpressions, allStatements, expressionsOf } from "./walk.ts";

/** The most bytes that are copied at a hit for one read. */
const READ_LIMIT_BYTES = 1024;
/** Only the arguments that functions get in registers are followed. */
const FOLLOWED_ARGUMENTS = 6;
/** No program has memory below. */
const FIRST_ADDRESS = 4096;
const OFFSET_LIMIT = 2 ** 31;
/** How many pointers are followed on the way, and their size. */
const POINTERS_LIMIT = 4;
const POINTER_BYTES = 8;
/** What stores into memory of the clause's own. */
const STORING: ReadonlySet<SubroutineName> = new Set<SubroutineName>(["bcopy", "copyinto"]);

/** Memory behind an argument. */
export interface MemoryRead {
  /** Whether it ends at its NUL. */
  readonly kind: "string" | "bytes";
  /** The argument, 0 to 5. */
  readonly argument: number;
  /** Where pointers are on the way: behind the argument, behind what the first one points to, and so on; undefined if none are. */
  readonly through?: readonly number[];
  /** What is added to the argument, or to the last pointer. */
  readonly offsetBytes: number;
  /** How much is wanted, at most. */
  readonly sizeBytes: number;
}

/** Where memory of the program is. */
interface Place {
  readonly argument: number;
  readonly through?: readonly number[];
  readonly offsetBytes: number;
}

/** What an address can be: one of the program's memory, or one of the clause's own, perhaps in a copy of the program's. */
type Target =
  | { readonly kind: "program"; readonly place: Place }
  | { readonly kind: "copy"; readonly place: Place; readonly offsetBytes: number; readonly sizeBytes: number }
  | { readonly kind: "own" };

const OWN: Target = { kind: "own" };

/** A value that is assigned to a variable, and where. */
interface Assigned {
  readonly value: Expression;
  readonly clause: Clause;
}

/** What is read there. */
interface Wish {
  readonly kind: MemoryRead["kind"];
  /** Undefined if it is computed. */
  readonly sizeBytes: number | undefined;
  readonly address: Expression;
  /** What reads, as the end of a sentence. */
  readonly by: string;
}

/** See the module's comment. One object serves one program. */
export class MemoryReads {
  readonly #strsize: number;
  /** What the program assigns to the variables of a firing; undefined for one that it also changes otherwise. */
  readonly #assigned = new Map<Variable, Assigned[] | undefined>();
  /** The variables whose addresses are being found out. */
  readonly #pending = new Set<Variable>();
  /** Whether the program stores into memory, so that copies may not be what was copied. */
  #stores = false;
  #clause: Clause | undefined;

  /**
   * Looks at the variables of a program.
   *
   * @param clauses Its clauses.
   * @param strsize The size of a string.
   */
  constructor(clauses: readonly Clause[], strsize: number) {
    this.#strsize = strsize;
    for (const clause of clauses) {
      for (const root of rootsOf(clause)) {
        for (const expression of allExpressions(root)) this.#note(expression, clause);
      }
    }
  }

  /**
   * Finds what an expression itself reads, its operands apart.
   *
   * @param expression The expression.
   * @param clause Its clause.
   * @returns What it reads; if that is not known beforehand a text says so, as the end of a sentence about the clause: what the
   *   clause does.
   */
  of(expression: Expression, clause: Clause): readonly MemoryRead[] | string {
    this.#clause = clause;
    const wish = this.#wishOf(expression);
    return wish === undefined ? [] : this.#find(wish);
  }

  /**
   * Finds what a statement itself reads, its expressions apart.
   *
   * @param statement The statement.
   * @param clause Its clause.
   * @returns As {@linkcode MemoryReads.of}.
   */
  ofStatement(statement: Statement, clause: Clause): readonly MemoryRead[] | string {
    this.#clause = clause;
    if (statement.kind !== "tracemem") return [];
    const { address, sizeBytes } = statement;
    // Every other address is one of the clause's own memory, or a mistake.
    if (address.kind !== "load" || !address.userland) return [];
    return this.#find({ kind: "bytes", sizeBytes, address, by: "by tracemem()" });
  }

  #wishOf(expression: Expression): Wish | undefined {
    if (expression.kind === "call") return this.#wishOfCall(expression);
    if (expression.kind === "load") return expression.userland ? wishOfLoad(expression) : undefined;
    return expression.kind === "to-string" && isInTarget(expression.address) ? this.#wishOfText(expression) : undefined;
  }

  #wishOfCall({ name, arguments: list }: Call): Wish | undefined {
    const [address, size] = list;
    if (name === "copyin" || name === "copyinto") {
      return { kind: "bytes", sizeBytes: boundOf(size!), address: address!, by: `by ${name}()` };
    }
    if (name !== "copyinstr") return undefined;
    // No string is longer, whatever is computed.
    const limit = (size && constantOf(size)) ?? this.#strsize;
    return { kind: "string", sizeBytes: this.#limited(limit), address: address!, by: `by ${name}()` };
  }

  #wishOfText({ address, limitBytes }: ToString): Wish {
    return { kind: "string", sizeBytes: this.#limited(limitBytes ?? this.#strsize), address, by: "by stringof()" };
  }

  /** How much of a string is read at most, which is something in any case. */
  #limited(limitBytes: number): number {
    return Math.max(1, Math.min(limitBytes, this.#strsize));
  }

  #find({ kind, sizeBytes, address, by }: Wish): readonly MemoryRead[] | string {
    if (sizeBytes === undefined) return `reads memory ${by}, as much as it computes`;
    if (sizeBytes <= 0) return [];
    const targets = this.#targetsOf(address);
    if (targets === undefined) return `reads memory ${by} where no argument leads`;
    const places = targets.flatMap((target) => target.kind === "program" ? [target.place] : []);
    if (sizeBytes > READ_LIMIT_BYTES && places.length > 0) {
      return `reads memory ${by}, more than ${READ_LIMIT_BYTES} bytes`;
    }
    return places.map((place) => ({ kind, ...place, sizeBytes }));
  }

  /** What an address can be; undefined if that is not known beforehand. */
  #targetsOf(address: Expression): readonly Target[] | undefined {
    switch (address.kind) {
      case "argument": {
        const { index } = address;
        const place = { argument: index, offsetBytes: 0 };
        return index < FOLLOWED_ARGUMENTS ? [{ kind: "program", place }] : undefined;
      }
      case "convert":
        return isWord(address) ? this.#targetsOf(address.operand) : undefined;
      case "constant":
        return numberOf(address.value, false) < FIRST_ADDRESS ? [] : undefined;
      case "arithmetic":
        return this.#targetsOfSum(address);
      case "conditional":
        return this.#targetsOfAll([address.then, address.otherwise]);
      case "comma":
        return this.#targetsOf(address.expressions.at(-1)!);
      case "assign":
        return address.operator === undefined && isWord(address) ? this.#targetsOf(address.value) : undefined;
      case "variable":
        return this.#targetsOfVariable(address.variable);
      case "load":
        // The value of a structure or an array is its address.
        return address.form.kind === "bytes" ? this.#targetsOf(address.address) : this.#targetsOfPointer(address);
      case "call":
        return this.#targetsOfCall(address);
      case "address":
      case "construct":
        return [OWN];
      default:
        return undefined;
    }
  }

  #targetsOfCall({ name, arguments: [address, size] }: Call): readonly Target[] | undefined {
    if (name === "alloca") return [OWN];
    if (name !== "copyin") return undefined;
    const sizeBytes = constantOf(size!);
    if (this.#stores || sizeBytes === undefined) return [OWN];
    // Of its own memory the clause can copy nothing: it ends there.
    return this.#targetsOf(address!)?.flatMap((target) =>
      target.kind === "program" ? [{ kind: "copy", place: target.place, offsetBytes: 0, sizeBytes }] : []
    );
  }

  #targetsOfSum({ operator, left, right }: Expression & { kind: "arithmetic" }): readonly Target[] | undefined {
    const isSum = operator === "+" && left.kind === "constant";
    const [base, other] = isSum ? [right, left] : [left, right];
    if ((operator !== "+" && operator !== "-") || other.kind !== "constant") return undefined;
    const by = numberOf(other.value, true) * (operator === "-" ? -1 : 1);
    const targets = this.#targetsOf(base)?.map((target) => moveTarget(target, by));
    return targets?.every((target) => target.kind === "own" || isNear(target)) ? targets : undefined;
  }

  /** A pointer in memory: of the program, or in a copy of that. */
  #targetsOfPointer(load: Load): readonly Target[] | undefined {
    if (!isWord(load) || load.bits !== undefined) return undefined;
    const pointers: Target[] = [];
    for (const target of this.#targetsOf(load.address) ?? [OWN]) {
      const place = placeOfPointer(target);
      if (place === undefined || (place.through?.length ?? 0) === POINTERS_LIMIT) return undefined;
      // To follow an address of the program that is not said to be one is an error.
      if (target.kind === "program" && !load.userland) continue;
      const through = [...place.through ?? [], place.offsetBytes];
      pointers.push({ kind: "program", place: { argument: place.argument, through, offsetBytes: 0 } });
    }
    return pointers;
  }

  #targetsOfAll(addresses: readonly Expression[]): readonly Target[] | undefined {
    const all: Target[] = [];
    for (const address of addresses) {
      const targets = this.#targetsOf(address);
      if (targets === undefined) return undefined;
      all.push(...targets);
    }
    return all;
  }

  /** A variable that has not been assigned in a firing is 0. */
  #targetsOfVariable(variable: Variable): readonly Target[] | undefined {
    const { scope, keys, form } = variable;
    if (scope !== "clause" || keys !== undefined || form.kind !== "number" || form.sizeBytes !== 8) return undefined;
    const assigned = this.#assigned.has(variable) ? this.#assigned.get(variable) : [];
    if (assigned === undefined || this.#pending.has(variable)) return undefined;
    this.#pending.add(variable);
    try {
      const targets = this.#targetsOfAll(assigned.map(({ value }) => value));
      const isElsewhere = assigned.some(({ clause }) => clause !== this.#clause);
      return isElsewhere && targets?.some(({ kind }) => kind !== "program") ? undefined : targets;
    } finally {
      this.#pending.delete(variable);
    }
  }

  #note(expression: Expression, clause: Clause): void {
    if (expression.kind === "call") this.#stores ||= STORING.has(expression.name);
    if (expression.kind !== "assign" && expression.kind !== "step") return;
    const { place } = expression;
    this.#stores ||= place.kind === "load";
    if (place.kind !== "variable" || place.variable.scope !== "clause") return;
    const { variable } = place;
    if (expression.kind === "step" || expression.operator !== undefined) this.#assigned.set(variable, undefined);
    else if (!this.#assigned.has(variable)) this.#assigned.set(variable, [{ value: expression.value, clause }]);
    else this.#assigned.get(variable)?.push({ value: expression.value, clause });
  }
}

/**
 * Lists the expressions of a clause that are in no other one.
 *
 * @param clause The clause.
 * @returns Them, in the order of the text.
 */
export function rootsOf({ predicate, statements }: Clause): readonly Expression[] {
  const roots = [...allStatements(statements)].flatMap(expressionsOf);
  return predicate === undefined ? roots : [predicate, ...roots];
}

function wishOfLoad(load: Load): Wish {
  return { kind: "bytes", sizeBytes: loadedBytes(load), address: load.address, by: "by a pointer" };
}

function moveTarget(target: Target, bytes: number): Target {
  if (target.kind === "own") return target;
  if (target.kind === "copy") return { ...target, offsetBytes: target.offsetBytes + bytes };
  const { place } = target;
  return { kind: "program", place: { ...place, offsetBytes: place.offsetBytes + bytes } };
}

function isNear(target: Exclude<Target, { kind: "own" }>): boolean {
  const { offsetBytes } = target.kind === "copy" ? target : target.place;
  return offsetBytes >= -OFFSET_LIMIT && offsetBytes < OFFSET_LIMIT;
}

/** Where a pointer is that is read from an address; undefined if what is there is not known. */
function placeOfPointer(target: Target): Place | undefined {
  if (target.kind === "own") return undefined;
  if (target.kind === "program") return target.place;
  const { place, offsetBytes, sizeBytes } = target;
  if (offsetBytes < 0 || offsetBytes + POINTER_BYTES > sizeBytes) return undefined;
  return { ...place, offsetBytes: place.offsetBytes + offsetBytes };
}

/**
 * The most that a size can be: a constant, or one of `arg2 > 64 ? 64 : arg2`, `arg2 < 64 ? arg2 : 64`. Undefined if it can be
 * anything.
 */
function boundOf(size: Expression): number | undefined {
  if (size.kind === "convert" && isWord(size)) return boundOf(size.operand);
  if (size.kind !== "conditional" || size.condition.kind !== "comparison") return constantOf(size);
  const { operator, left, right } = size.condition;
  const [within, beyond] = operator.startsWith("<")
    ? [size.then, size.otherwise]
    : operator.startsWith(">")
    ? [size.otherwise, size.then]
    : [];
  const bounds = [constantOf(right), beyond && constantOf(beyond)];
  const isBounded = within !== undefined && isSameArgument(within, left) && !bounds.includes(undefined);
  return isBounded ? Math.max(...bounds as number[]) : undefined;
}

function isSameArgument(one: Expression, other: Expression): boolean {
  if (one.kind === "convert" && isWord(one)) return isSameArgument(one.operand, other);
  if (other.kind === "convert" && isWord(other)) return isSameArgument(one, other.operand);
  return one.kind === "argument" && other.kind === "argument" && one.index === other.index && one.typed === other.typed;
}

function constantOf(size: Expression): number | undefined {
  if (size.kind === "convert" && isWord(size)) return constantOf(size.operand);
  return size.kind === "constant" ? numberOf(size.value, true) : undefined;
}

/** Whether a value has all bits of an address. */
function isWord({ form }: Expression): boolean {
  return form.kind === "number" && form.sizeBytes === 8;
}
