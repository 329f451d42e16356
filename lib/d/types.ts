/**
 * The types of D: those of C on 64-bit Linux, and a few of D's own.
 *
 * `int` has 32 bits, `long` and pointers have 64, all little-endian. D adds `string`, whose size is the option `strsize`,
 * stacks and symbols of addresses, which become text only when they are printed.
 *
 * Typedefs and qualifiers are kept as types around a type, because messages and `print()` say the name that the program
 * says; {@linkcode resolve} takes them off. A structure is known by its object, not by its members: two declarations of
 * equal members are two types. It is `complete` when its members have been declared, until then it is a forward
 * declaration.
 *
 * How a value is held while the program runs is its {@linkcode Form}, which is all that code generation needs.
 *
 * @module
 */

/** A type of D. */
export type Type =
  | IntegerType
  | FloatType
  | VoidType
  | PointerType
  | ArrayType
  | StringType
  | StructType
  | EnumType
  | FunctionType
  | StackType
  | SymbolType
  | TypedefType
  | QualifiedType;

/** An integer. */
export interface IntegerType {
  readonly kind: "integer";
  /** As C writes it: `unsigned long long`. */
  readonly name: string;
  readonly sizeBytes: 1 | 2 | 4 | 8;
  readonly signed: boolean;
  /** Whether it holds a character, so that an array of them may be a string. */
  readonly isChar: boolean;
}

/** A floating-point number. D cannot compute with it, only print it. */
export interface FloatType {
  readonly kind: "float";
  readonly name: string;
  readonly sizeBytes: 4 | 8 | 16;
}

/** Nothing, or what a `void *` points to. */
export interface VoidType {
  readonly kind: "void";
}

/** The address of something. */
export interface PointerType {
  readonly kind: "pointer";
  readonly to: Type;
  /** Whether it was declared to point into the memory of the traced program (`userland`). */
  readonly userland: boolean;
}

/** A row of things. */
export interface ArrayType {
  readonly kind: "array";
  readonly of: Type;
  /** How many; 0 if the declaration does not say. */
  readonly count: number;
}

/** D's string. */
export interface StringType {
  readonly kind: "string";
}

/** A structure or a union. */
export interface StructType {
  readonly kind: "struct" | "union";
  /** The tag; empty if it has none. */
  readonly tag: string;
  members: readonly Member[];
  sizeBytes: number;
  alignBytes: number;
  complete: boolean;
}

/** A member of a structure or union. */
export interface Member {
  /** Its name; empty for an unnamed structure whose members count as those of the outer one. */
  readonly name: string;
  readonly type: Type;
  /** Where it begins; for a bit-field where the bytes begin that are to be loaded. */
  readonly offsetBytes: number;
  /** Set for a bit-field. */
  readonly bits: BitField | undefined;
}

/** Which bits of an integer are a bit-field. */
export interface BitField {
  /** The lowest bit of the loaded integer that belongs to it. */
  readonly shift: number;
  /** How many belong to it, 1 to 64. */
  readonly width: number;
  /** The size of the integer to load: 1, 2, 4 or 8. */
  readonly loadBytes: 1 | 2 | 4 | 8;
}

/** An enumeration; its values are those of an `int`. */
export interface EnumType {
  readonly kind: "enum";
  /** The tag; empty if it has none. */
  readonly tag: string;
  enumerators: readonly Enumerator[];
  complete: boolean;
}

/** A name of an enumeration. */
export interface Enumerator {
  readonly name: string;
  /** Its value, -2^31 to 2^31-1. */
  readonly value: number;
}

/** A function; only a pointer to one is of any use. */
export interface FunctionType {
  readonly kind: "function";
  readonly returns: Type;
  readonly parameters: readonly Type[];
  readonly variadic: boolean;
}

/** A stack of a thread. */
export interface StackType {
  readonly kind: "stack";
}

/** An address that is printed as a symbol. */
export interface SymbolType {
  readonly kind: "symbol";
  /** What of the symbol is printed, by the function that made it. */
  readonly of: SymbolKind;
}

/** What an address is printed as; the first three are the kernel's, which has no symbols here. */
export type SymbolKind = "func" | "sym" | "mod" | "uaddr" | "ufunc" | "usym" | "umod";

/** Another name of a type. */
export interface TypedefType {
  readonly kind: "typedef";
  readonly name: string;
  readonly of: Type;
}

/** A type that is `const` or `volatile`, which D does not mind. */
export interface QualifiedType {
  readonly kind: "qualified";
  readonly qualifiers: readonly ("const" | "volatile" | "restrict")[];
  readonly of: Type;
}

/** A type without names and qualifiers around it. */
export type ResolvedType = Exclude<Type, TypedefType | QualifiedType>;

/**
 * How a value is held while the program runs.
 *
 * | form | held as |
 * | --- | --- |
 * | `number` | 64 bits that have been extended from its size by its sign (an integer, a pointer, an enumerator) |
 * | `float` | as many bytes, by reference; can only be recorded |
 * | `string` | bytes that end before a NUL, `strsize` at most with it |
 * | `bytes` | bytes in memory (a structure, union or array); the value is their address |
 * | `stack` | the program counters of a thread's frames |
 * | `symbol` | an address with the process in which it means something |
 * | `void` | nothing |
 */
export type Form =
  | { readonly kind: "number"; readonly sizeBytes: 1 | 2 | 4 | 8; readonly signed: boolean }
  | { readonly kind: "float"; readonly sizeBytes: 4 | 8 | 16 }
  | { readonly kind: "string" }
  | { readonly kind: "bytes"; readonly sizeBytes: number }
  | { readonly kind: "stack" }
  | { readonly kind: "symbol"; readonly of: SymbolKind }
  | { readonly kind: "void" };

/** The size of a pointer. */
export const POINTER_BYTES = 8;

/**
 * Takes the names and qualifiers off a type.
 *
 * @param type The type.
 * @returns What it is.
 */
export function resolve(type: Type): ResolvedType {
  let resolved = type;
  while (resolved.kind === "typedef" || resolved.kind === "qualified") resolved = resolved.of;
  return resolved;
}

/**
 * Tells how the values of a type are held.
 *
 * @param type The type, complete unless it is a pointer's target.
 * @returns The form.
 */
export function formOf(type: Type): Form {
  const resolved = resolve(type);
  switch (resolved.kind) {
    case "integer":
      return { kind: "number", sizeBytes: resolved.sizeBytes, signed: resolved.signed };
    case "enum":
      return { kind: "number", sizeBytes: 4, signed: true };
    case "pointer":
    case "function":
      return { kind: "number", sizeBytes: POINTER_BYTES, signed: false };
    case "float":
      return { kind: "float", sizeBytes: resolved.sizeBytes };
    case "struct":
    case "union":
    case "array":
      return { kind: "bytes", sizeBytes: sizeOf(resolved, 0) };
    case "symbol":
      return { kind: "symbol", of: resolved.of };
    default:
      return { kind: resolved.kind };
  }
}

/**
 * Finds the size of a type.
 *
 * @param type The type.
 * @param strsize The size of a string.
 * @returns Its bytes; 0 if it is incomplete or has none.
 */
export function sizeOf(type: Type, strsize: number): number {
  const resolved = resolve(type);
  switch (resolved.kind) {
    case "integer":
    case "float":
    case "struct":
    case "union":
      return resolved.sizeBytes;
    case "enum":
      return resolved.complete ? 4 : 0;
    case "pointer":
      return POINTER_BYTES;
    case "array":
      return resolved.count * sizeOf(resolved.of, strsize);
    case "string":
      return strsize;
    case "symbol":
      return 2 * POINTER_BYTES;
    default:
      return 0;
  }
}

/**
 * Finds to what multiple of bytes a type is aligned in a structure.
 *
 * @param type The type.
 * @returns The bytes; 1 if it does not matter.
 */
export function alignOf(type: Type): number {
  const resolved = resolve(type);
  switch (resolved.kind) {
    case "struct":
    case "union":
      return resolved.alignBytes;
    case "array":
      return alignOf(resolved.of);
    case "string":
      return 1;
    default:
      return Math.max(1, sizeOf(resolved, 1));
  }
}
