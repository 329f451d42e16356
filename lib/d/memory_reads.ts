/**
 * What clauses read of the program's memory, as far as it can be said before they run.
 *
 * *Problem.* What a pointer leads to may have changed when a clause runs on a record of the hit. It can be copied at the hit, if
 * it is known by then where it begins and how much is wanted.
 *
 * *Method.* An address is known if it is an argument, with a constant added to it or not. So is that of an expression which is
 * one of several such (`arg0 ? arg0 : arg1`), and that of a variable of the firing (`this->p`) to which the whole program
 * assigns nothing else: the memory behind all of them is wanted then. Addresses of the clause's own memory (`copyin()`,
 * `alloca()`), and those of the first page, lead to nothing of the program, whatever is there. All other addresses, and sizes
 * that are computed, are reasons to look at the thread's memory while it waits.
 *
 * @module
 */

import { loadedBytes } from "./code/place_code.ts";
import type { Call, Expression, Load, ToString, Variable } from "./expression.ts";
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

/** Memory behind an argument. */
export interface MemoryRead {
  /** Whether it ends at its NUL. */
  readonly kind: "string" | "bytes";
  /** The argument, 0 to 5. */
  readonly argument: number;
  /** What is added to it. */
  readonly offsetBytes: number;
  /** How much is wanted, at most. */
  readonly sizeBytes: number;
}

/** Where memory is read. */
interface Place {
  readonly argument: number;
  readonly offsetBytes: number;
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
  readonly #assigned = new Map<Variable, Expression[] | undefined>();
  /** The variables whose addresses are being found out. */
  readonly #pending = new Set<Variable>();

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
        for (const expression of allExpressions(root)) this.#noteAssignment(expression);
      }
    }
  }

  /**
   * Finds what an expression itself reads, its operands apart.
   *
   * @param expression The expression.
   * @returns What it reads; if that is not known beforehand a text says so, as the end of a sentence about the clause: what the
   *   clause does.
   */
  of(expression: Expression): readonly MemoryRead[] | string {
    const wish = this.#wishOf(expression);
    return wish === undefined ? [] : this.#find(wish);
  }

  /**
   * Finds what a statement itself reads, its expressions apart.
   *
   * @param statement The statement.
   * @returns As {@linkcode MemoryReads.of}.
   */
  ofStatement(statement: Statement): readonly MemoryRead[] | string {
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
      return { kind: "bytes", sizeBytes: constantOf(size!), address: address!, by: `by ${name}()` };
    }
    if (name !== "copyinstr") return undefined;
    const limit = size === undefined ? this.#strsize : constantOf(size);
    return { kind: "string", sizeBytes: limit && this.#limited(limit), address: address!, by: `by ${name}()` };
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
    const places = this.#placesOf(address);
    if (places === undefined) return `reads memory ${by} where no argument leads`;
    if (sizeBytes > READ_LIMIT_BYTES && places.length > 0) {
      return `reads memory ${by}, more than ${READ_LIMIT_BYTES} bytes`;
    }
    return places.map((place) => ({ kind, ...place, sizeBytes }));
  }

  /** Where an address can lead in the program's memory; undefined if that is not known beforehand. */
  #placesOf(address: Expression): readonly Place[] | undefined {
    switch (address.kind) {
      case "argument":
        return address.index < FOLLOWED_ARGUMENTS ? [{ argument: address.index, offsetBytes: 0 }] : undefined;
      case "convert":
        return isWord(address) ? this.#placesOf(address.operand) : undefined;
      case "constant":
        return numberOf(address.value, false) < FIRST_ADDRESS ? [] : undefined;
      case "arithmetic":
        return this.#placesOfSum(address);
      case "conditional":
        return this.#placesOfAll([address.then, address.otherwise]);
      case "comma":
        return this.#placesOf(address.expressions.at(-1)!);
      case "assign":
        return address.operator === undefined && isWord(address) ? this.#placesOf(address.value) : undefined;
      case "variable":
        return this.#placesOfVariable(address.variable);
      case "load":
        // The value of a structure or an array is its address.
        return address.form.kind === "bytes" ? this.#placesOf(address.address) : undefined;
      case "call":
        return address.name === "copyin" || address.name === "alloca" ? [] : undefined;
      case "address":
      case "construct":
        return [];
      default:
        return undefined;
    }
  }

  #placesOfSum({ operator, left, right }: Expression & { kind: "arithmetic" }): readonly Place[] | undefined {
    const isSum = operator === "+" && left.kind === "constant";
    const [base, other] = isSum ? [right, left] : [left, right];
    if ((operator !== "+" && operator !== "-") || other.kind !== "constant") return undefined;
    const by = numberOf(other.value, true) * (operator === "-" ? -1 : 1);
    const places = this.#placesOf(base)?.map((place) => ({ ...place, offsetBytes: place.offsetBytes + by }));
    const isNear = ({ offsetBytes }: Place) => offsetBytes >= -OFFSET_LIMIT && offsetBytes < OFFSET_LIMIT;
    return places?.every(isNear) ? places : undefined;
  }

  #placesOfAll(addresses: readonly Expression[]): readonly Place[] | undefined {
    const all: Place[] = [];
    for (const address of addresses) {
      const places = this.#placesOf(address);
      if (places === undefined) return undefined;
      all.push(...places);
    }
    return all;
  }

  /** A variable that has not been assigned in a firing is 0. */
  #placesOfVariable(variable: Variable): readonly Place[] | undefined {
    const { scope, keys, form } = variable;
    if (scope !== "clause" || keys !== undefined || form.kind !== "number" || form.sizeBytes !== 8) return undefined;
    const values = this.#assigned.has(variable) ? this.#assigned.get(variable) : [];
    if (values === undefined || this.#pending.has(variable)) return undefined;
    this.#pending.add(variable);
    try {
      return this.#placesOfAll(values);
    } finally {
      this.#pending.delete(variable);
    }
  }

  #noteAssignment(expression: Expression): void {
    if ((expression.kind !== "assign" && expression.kind !== "step") || expression.place.kind !== "variable") return;
    const { variable } = expression.place;
    if (variable.scope !== "clause") return;
    if (expression.kind === "step" || expression.operator !== undefined) this.#assigned.set(variable, undefined);
    else if (!this.#assigned.has(variable)) this.#assigned.set(variable, [expression.value]);
    else this.#assigned.get(variable)?.push(expression.value);
  }
}

/**
 * Lists the expressions of a clause that are in no other one.
 *
 * @param clause The clause.
 * @returns Them, in the order of the text.
 */
export function rootsOf({ predicate, statements }: Pick<Clause, "predicate" | "statements">): readonly Expression[] {
  const roots = [...allStatements(statements)].flatMap(expressionsOf);
  return predicate === undefined ? roots : [predicate, ...roots];
}

function wishOfLoad(load: Load): Wish {
  return { kind: "bytes", sizeBytes: loadedBytes(load), address: load.address, by: "by a pointer" };
}

function constantOf(size: Expression): number | undefined {
  if (size.kind === "convert" && isWord(size)) return constantOf(size.operand);
  return size.kind === "constant" ? numberOf(size.value, true) : undefined;
}

/** Whether a value has all bits of an address. */
function isWord({ form }: Expression): boolean {
  return form.kind === "number" && form.sizeBytes === 8;
}
