/**
 * The operands of static probes: where an argument is when a thread arrives at a site.
 *
 * Compilers write them as text, in the notation of their assembler. What understands the text (`lib/object/`) and what
 * fetches the value (`lib/isa/`) do not know each other; this is what they exchange, plain data.
 *
 * @module
 */

/** A name in an operand, of which only the file's symbol table knows the address. */
export interface OperandSymbol {
  /** The name, without version. */
  readonly name: string;
  /**
   * What of the symbol counts: its `address`; its offset from the `thread` pointer (`@tpoff`); or the `low12` bits of its
   * address.
   */
  readonly part: "address" | "thread" | "low12";
}

/** A value that is known beforehand. */
export interface ConstantPlace {
  /** The kind of place. */
  readonly kind: "constant";
  /** The low 32 bits, unsigned. */
  readonly lo: number;
  /** The high 32 bits, unsigned. */
  readonly hi: number;
  /** What has yet to be added. */
  readonly symbol?: OperandSymbol;
  /** Whether the value is an address in its module, to be moved by as much as the module was moved when it was loaded. */
  readonly inModule?: boolean;
}

/** A value in a register. */
export interface RegisterPlace {
  /** The kind of place. */
  readonly kind: "register";
  /** The register's name, without `%`. */
  readonly register: string;
}

/** A value in memory: at base + index * scale + displacement, from the base of the segment. */
export interface MemoryPlace {
  /** The kind of place. */
  readonly kind: "memory";
  /** The name of the base register, without `%`. */
  readonly base?: string;
  /** The name of the index register, without `%`. */
  readonly index?: string;
  /** What the index is multiplied by, 1 without index. */
  readonly scale: number;
  /** Whether the index is a signed number of 32 bits. */
  readonly signedIndex?: boolean;
  /** What is added, in bytes; an integer. */
  readonly displacement: number;
  /** What has yet to be added. */
  readonly symbol?: OperandSymbol;
  /** Whether the sum is an address in its module, to be moved by as much as the module was moved. */
  readonly inModule?: boolean;
  /** The segment. */
  readonly segment?: "fs" | "gs";
}

/** A value that cannot be had. */
export interface UnknownPlace {
  /** The kind of place. */
  readonly kind: "unknown";
  /** Why not, as the end of a sentence. */
  readonly reason: string;
}

/** Where an argument is. */
export type OperandPlace = ConstantPlace | RegisterPlace | MemoryPlace | UnknownPlace;

/** An argument of a site. */
export interface Operand {
  /** What the compiler wrote. */
  readonly text: string;
  /** The size of the value in bytes: 1, 2, 4 or 8; whatever was written if it is no such size. */
  readonly sizeBytes: number;
  /** Whether the value is a signed integer. */
  readonly signed: boolean;
  /** Whether the value is a floating-point number. */
  readonly float: boolean;
  /** Where it is. */
  readonly place: OperandPlace;
}

/**
 * Names the type of an argument as C does.
 *
 * @param operand The argument.
 * @returns Such as `int32_t`, `uint64_t`, `double`; `unknown` if the size is none that a value can have.
 */
export function operandType({ sizeBytes, signed, float }: Operand): string {
  if (float) return sizeBytes === 8 ? "double" : sizeBytes === 4 ? "float" : "unknown";
  if (![1, 2, 4, 8].includes(sizeBytes)) return "unknown";
  return `${signed ? "" : "u"}int${8 * sizeBytes}_t`;
}
