/**
 * The types that have names: those of C, of the system's headers as far as scripts use them, and of the program.
 *
 * Typedefs and tags have separate names, and all are global: D has no scopes. The sizes are those of 64-bit Linux.
 *
 * @module
 */

import { fail } from "./compile_error.ts";
import { withoutScope } from "./token.ts";
import type { EnumType, FloatType, IntegerType, PointerType, StructType, Type } from "./types.ts";

/** The integers of C by the words that name them, in the order that C's manual gives. */
const INTEGERS: readonly [name: string, sizeBytes: IntegerType["sizeBytes"], signed: boolean][] = [
  ["char", 1, true],
  ["signed char", 1, true],
  ["unsigned char", 1, false],
  ["short", 2, true],
  ["unsigned short", 2, false],
  ["int", 4, true],
  ["unsigned int", 4, false],
  ["long", 8, true],
  ["unsigned long", 8, false],
  ["long long", 8, true],
  ["unsigned long long", 8, false],
  ["_Bool", 1, false],
];

const FLOATS: readonly [name: string, sizeBytes: FloatType["sizeBytes"]][] = [
  ["float", 4],
  ["double", 8],
  ["long double", 16],
];

/** Typedefs that scripts take for granted, by the integer that they are. */
const TYPEDEFS: Readonly<Record<string, string>> = {
  "signed char": "int8_t s8 __s8",
  "short": "int16_t s16 __s16",
  "int": "int32_t s32 __s32 pid_t id_t clockid_t key_t wchar_t daddr_t zoneid_t taskid_t projid_t processorid_t " +
    "psetid_t poolid_t ctid_t lwpid_t boolean_t",
  "long": "int64_t s64 __s64 intptr_t ptrdiff_t ssize_t off_t loff_t off64_t time_t clock_t suseconds_t blkcnt_t " +
    "intmax_t sigval_t",
  "long long": "longlong_t hrtime_t",
  "unsigned char": "uint8_t u8 __u8 uchar_t u_char",
  "unsigned short": "uint16_t u16 __u16 ushort_t u_short in_port_t sa_family_t",
  "unsigned int": "uint32_t u32 __u32 uint_t u_int uid_t gid_t mode_t useconds_t socklen_t in_addr_t ipaddr_t " +
    "gfp_t",
  "unsigned long": "uint64_t u64 __u64 ulong_t u_long uintptr_t size_t dev_t ino_t nlink_t uintmax_t pc_t pthread_t " +
    "rlim_t sector_t",
  "unsigned long long": "u_longlong_t",
  "_Bool": "bool",
};

/** Types by their names. */
export class TypeTable {
  readonly #integers = new Map<string, IntegerType | FloatType>();
  readonly #typedefs = new Map<string, Type>();
  readonly #tags = new Map<string, StructType | EnumType>();

  /** The name of every typedef, which the parser has to know and adds to. */
  readonly typeNames = new Set<string>();

  /** Makes a table with the types of C and of the system. */
  constructor() {
    for (const [name, sizeBytes, signed] of INTEGERS) {
      this.#integers.set(name, { kind: "integer", name, sizeBytes, signed, isChar: name.endsWith("char") });
    }
    for (const [name, sizeBytes] of FLOATS) this.#integers.set(name, { kind: "float", name, sizeBytes });
    for (const [base, names] of Object.entries(TYPEDEFS)) {
      for (const name of names.split(" ")) this.addTypedef(name, this.base(base));
    }
    this.addTypedef("caddr_t", { kind: "pointer", to: this.base("char"), userland: false });
    this.addTypedef("_Bool", this.base("_Bool"));
  }

  /**
   * Finds an arithmetic type of C.
   *
   * @param name Its name as C's manual gives it first, with `int` left out behind other words.
   * @returns The type.
   */
  base(name: string): IntegerType | FloatType {
    return this.#integers.get(name)!;
  }

  /**
   * Finds an integer type of C.
   *
   * @param name Such as `unsigned long`.
   * @returns The type.
   */
  integer(name: string): IntegerType {
    return this.base(name) as IntegerType;
  }

  /**
   * Finds a typedef.
   *
   * @param name Its name.
   * @returns The type with the name around it; undefined if there is none.
   */
  typedef(name: string): Type | undefined {
    return this.#typedefs.get(withoutScope(name));
  }

  /**
   * Names a type.
   *
   * @param name The name; it means the new type from now on.
   * @param of The type.
   */
  addTypedef(name: string, of: Type): void {
    this.#typedefs.set(name, { kind: "typedef", name, of });
    this.typeNames.add(name);
  }

  /**
   * Finds a structure, union or enumeration, and makes a forward declaration of one that is not there.
   *
   * @param kind Which of them.
   * @param scopedTag Its tag; an empty one is that of a new type.
   * @returns The type.
   */
  tagged(kind: "struct" | "union" | "enum", scopedTag: string): StructType | EnumType {
    const tag = withoutScope(scopedTag);
    const known = tag === "" ? undefined : this.#tags.get(`${kind} ${tag}`);
    if (known !== undefined) return known;
    const made: StructType | EnumType = kind === "enum"
      ? { kind, tag, enumerators: [], complete: false }
      : { kind, tag, members: [], sizeBytes: 0, alignBytes: 1, complete: false };
    if (tag !== "") this.#tags.set(`${kind} ${tag}`, made);
    return made;
  }

  /**
   * Finds a type by its name as the system writes it, such as that of a static probe's argument.
   *
   * @param name Such as `const char *` or `struct stat *`.
   * @param userland Whether its pointers lead into the traced program.
   * @returns The type; undefined if the name says none that is known.
   */
  named(name: string, userland: boolean): Type | undefined {
    const [, words, stars] = /^([\w\s]*?)\s*([*\s]*)$/.exec(name.trim()) ?? [];
    if (words === undefined) return undefined;
    let type = this.#plain(words.replace(/\b(?:const|volatile|restrict)\b/g, " ").trim());
    if (type === undefined) return undefined;
    for (const _ of stars!.replaceAll(/\s/g, "")) type = { kind: "pointer", to: type, userland } as PointerType;
    return type;
  }

  #plain(name: string): Type | undefined {
    if (name === "void") return { kind: "void" };
    if (name === "string") return { kind: "string" };
    const tagged = /^(struct|union|enum)\s+(\w+)$/.exec(name);
    if (tagged !== null) return this.tagged(tagged[1] as "struct", tagged[2]!);
    const words = name.split(/\s+/);
    return this.#typedefs.get(name) ??
      (words.every((word) => BASE_WORDS.has(word)) ? this.ofWords(words, 0) : undefined);
  }

  /**
   * Finds the arithmetic type that words name.
   *
   * @param words `int`, `long`, `unsigned`... in any order, one at least.
   * @param line Their line, for the error.
   * @returns The type.
   * @throws {CompileError} `D_DECL_COMBO`, `D_DECL_CHARATTR`, `D_DECL_SIGNINT`, `D_DECL_LONGINT`.
   */
  ofWords(words: readonly string[], line: number): Type {
    const count = (word: string) => words.filter((other) => other === word).length;
    const bases = words.filter((word) => !ATTRIBUTES.has(word));
    const longs = count("long");
    const isSigned = count("signed") > 0;
    const isUnsigned = count("unsigned") > 0;
    if (bases.length > 1 || longs > 2 || count("short") > 1 || (isSigned && isUnsigned)) {
      fail("D_DECL_COMBO", line, "invalid type combination");
    }
    if (longs > 0 && count("short") > 0) fail("D_DECL_COMBO", line, "invalid type combination");
    const base = bases[0] ?? "int";
    if (base === "char" && (longs > 0 || count("short") > 0)) {
      fail("D_DECL_CHARATTR", line, "invalid type declaration: short and long may not be used with char type");
    }
    if (base === "void" || base === "string") return this.#withoutAttributes(base, words, line);
    if ((isSigned || isUnsigned) && base !== "int" && base !== "char") {
      fail("D_DECL_SIGNINT", line, "invalid type declaration: signed and unsigned may only be used with integer type");
    }
    if (base === "char") return this.base(isUnsigned ? "unsigned char" : isSigned ? "signed char" : "char");
    if (base === "float" || base === "double") return this.#float(base, longs, words, line);
    const size = longs > 0 ? Array(longs).fill("long").join(" ") : count("short") > 0 ? "short" : "int";
    return this.base(isUnsigned ? `unsigned ${size}` : size);
  }

  #withoutAttributes(base: "void" | "string", words: readonly string[], line: number): Type {
    if (words.length > 1 && base === "void") {
      fail("D_DECL_VOIDATTR", line, "invalid type declaration: attributes may not be used with void type");
    }
    if (words.length > 1) fail("D_DECL_COMBO", line, "invalid type combination");
    return { kind: base };
  }

  #float(base: "float" | "double", longs: number, words: readonly string[], line: number): Type {
    if (words.length > 2 || (words.length === 2 && (base === "float" || longs !== 1))) {
      fail(
        "D_DECL_LONGINT",
        line,
        "invalid type declaration: long and long long may only be used with integer or floating-point type",
      );
    }
    return this.base(longs === 1 ? "long double" : base);
  }
}

const ATTRIBUTES = new Set(["signed", "unsigned", "long", "short"]);
const BASE_WORDS = new Set([...ATTRIBUTES, "int", "char", "float", "double"]);
