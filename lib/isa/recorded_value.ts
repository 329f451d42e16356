/**
 * Values that are recorded at a hit as they are, and made sense of by whoever reads the record.
 *
 * *Problem.* The arguments of a static probe are wherever the compiler had them. What fetches them from a stopped thread
 * (`operand_reader.ts`) takes its time; a pad takes a few instructions.
 *
 * *Method.* A pad copies 64 bits: a register, or what is in memory, with zeros above it. What part of it counts, and whether it
 * has a sign, is said by the {@linkcode OperandReader} of the argument when the record is read.
 *
 * @module
 */

/** A general register. */
export interface RecordedRegister {
  /** The kind of value. */
  readonly kind: "register";
  /** The index of its low half in the register set. */
  readonly register: number;
}

/** The low 8 bytes of a vector register. */
export interface RecordedVector {
  /** The kind of value. */
  readonly kind: "vector";
  /** The number of the register. */
  readonly number: number;
}

/** A register, or the lower part of one, that an address is made with. */
export interface AddressRegister {
  /** The index of its low half in the register set. */
  readonly register: number;
  /** The size of the part that counts, in bytes: 4 or 8; others make no address that a pad knows. */
  readonly sizeBytes: number;
}

/** What is in memory at base + index * scale + displacement, modulo 2^64. */
export interface RecordedMemory {
  /** The kind of value. */
  readonly kind: "memory";
  /** The base. */
  readonly base: AddressRegister | undefined;
  /** The index. */
  readonly index: AddressRegister | undefined;
  /** What the index is multiplied by: 1, 2, 4 or 8. */
  readonly scale: number;
  /** Whether the index is a signed number, if it has 4 bytes. */
  readonly signedIndex: boolean;
  /** The index of the low half of what the whole is counted from: the base of a segment. */
  readonly segmentBase: number | undefined;
  /** What is added, in bytes. */
  readonly displacement: number;
  /** How much there is, in bytes: 1, 2, 4 or 8. */
  readonly sizeBytes: number;
}

/** A value that a pad can be told to record. */
export type RecordedValue = RecordedRegister | RecordedVector | RecordedMemory;

/** How the lowest bytes of a word make an integer of 64 bits. */
export interface Extension {
  /** How many bytes count: 1, 2, 4 or 8. */
  readonly sizeBytes: number;
  /** Whether the highest bit of them is the sign. */
  readonly signed: boolean;
}

/** A value that a pad makes sense of itself. */
export interface ExtendedValue extends Extension {
  /** Where it is. */
  readonly place: RecordedValue;
}
