/**
 * Makes types of declarations.
 *
 * Members of a structure are laid out by the rules of the System V ABI for x86-64 and AArch64: each at the next multiple
 * of its alignment, bit-fields packed from the lowest bit into units of their declared type, none across two units.
 *
 * @module
 */

import { fail } from "./compile_error.ts";
import { type Int64, numberOf } from "./int64.ts";
import type {
  DeclaratorSyntax,
  EnumeratorSyntax,
  ExpressionSyntax,
  Layer,
  MemberDeclaration,
  ParameterSyntax,
  SpecifiersSyntax,
  TypeNameSyntax,
} from "./syntax.ts";
import type { TypeTable } from "./type_table.ts";
import { typeName } from "./type_name.ts";
import { alignOf, type EnumType, type Member, resolve, sizeOf, type StructType, type Type } from "./types.ts";

/** What types depend on that is not a type. */
export interface DeclareContext {
  readonly types: TypeTable;
  /** Tells the size of a string. */
  readonly strsize: () => number;
  /** Computes a constant; undefined if the expression is none. Its sign is that of its type. */
  readonly constantOf: (expression: ExpressionSyntax) => { value: Int64; signed: boolean } | undefined;
  /** Takes a name of an enumeration. */
  readonly addEnumerator: (name: string, value: number, type: EnumType, line: number) => void;
}

/** A name with its type. */
export interface Declared {
  readonly name: string;
  readonly type: Type;
  /** The types of keys, of an associative array. */
  readonly keys: readonly Type[] | undefined;
  readonly line: number;
}

const INT_MAX = 2 ** 31 - 1;

/** Makes types. */
export class Declarer {
  readonly #context: DeclareContext;

  /**
   * Makes a maker.
   *
   * @param context What types depend on.
   */
  constructor(context: DeclareContext) {
    this.#context = context;
  }

  /**
   * Makes the type that a cast or an operator names.
   *
   * @param name The name as it is written.
   * @returns The type.
   */
  typeOfName({ specifiers, declarator }: TypeNameSyntax): Type {
    return this.declare(specifiers, declarator).type;
  }

  /**
   * Makes the type of one name.
   *
   * @param specifiers The words in front.
   * @param declarator The name with what is around it.
   * @returns The name and its type.
   * @throws {CompileError} `D_DECL_*` if there can be no such type.
   */
  declare(specifiers: SpecifiersSyntax, declarator: DeclaratorSyntax): Declared {
    return this.declareAs(this.typeOf(specifiers), specifiers.isUserland, declarator);
  }

  /**
   * Makes the type of one name, whose specifiers have been understood.
   *
   * @param base The type in front of the declarator.
   * @param userland Whether pointers lead into the traced program.
   * @param declarator The name with what is around it.
   * @returns The name and its type.
   */
  declareAs(base: Type, userland: boolean, { name, layers, line }: DeclaratorSyntax): Declared {
    if (name.includes("`")) fail("D_DECL_SCOPE", line, `D scoping operator may not be used in a declaration: ${name}`);
    let type = base;
    let keys: Type[] | undefined;
    for (const layer of layers) {
      if (keys !== undefined) fail("D_DECL_ARRSUB", line, `invalid declaration of associative array: ${name}`);
      if (layer.kind === "tuple") keys = this.#keys(layer, name, line);
      else type = this.#layer(layer, type, userland, line);
    }
    return { name, type, keys, line };
  }

  /**
   * Makes the type of specifiers.
   *
   * @param specifiers The words.
   * @returns The type.
   */
  typeOf(specifiers: SpecifiersSyntax): Type {
    const { qualifiers, words, named, line } = specifiers;
    const type = this.#unqualified(words, named, line);
    return qualifiers.length === 0 ? type : { kind: "qualified", qualifiers: [...new Set(qualifiers)], of: type };
  }

  #unqualified(words: readonly string[], named: SpecifiersSyntax["named"], line: number): Type {
    const { types } = this.#context;
    if (named === undefined) return types.ofWords(words.length === 0 ? ["int"] : words, line);
    if (words.some((word) => word === "signed" || word === "unsigned")) {
      fail("D_DECL_SIGNINT", line, "invalid type declaration: signed and unsigned may only be used with integer type");
    }
    if (words.some((word) => word === "long" || word === "short")) {
      const text = "invalid type declaration: long and long long may only be used with integer or floating-point type";
      fail("D_DECL_LONGINT", line, text);
    }
    if (words.length > 0) fail("D_DECL_COMBO", line, "invalid type combination");
    if (named.kind === "typedef") return types.typedef(named.name)!;
    const type = types.tagged(named.kind, named.tag);
    if (named.kind === "enum") {
      if (named.enumerators !== undefined) this.#complete(type as EnumType, named.enumerators, line);
    } else if (named.members !== undefined) this.#layOut(type as StructType, named.members, line);
    return type;
  }

  #layer(layer: Exclude<Layer, { kind: "tuple" }>, type: Type, userland: boolean, line: number): Type {
    if (layer.kind === "pointer") {
      const pointer: Type = { kind: "pointer", to: type, userland };
      return layer.qualifiers.length === 0 ? pointer : { kind: "qualified", qualifiers: layer.qualifiers, of: pointer };
    }
    const { kind } = resolve(type);
    if (layer.kind === "function") {
      if (kind === "array" || kind === "function") {
        fail("D_DECL_FUNCRET", line, `function may not return ${kind} type: ${typeName(type)}`);
      }
      return {
        kind: "function",
        returns: type,
        parameters: this.parameters(layer.parameters, "function"),
        variadic: layer.isVariadic,
      };
    }
    if (kind === "function" || kind === "void" || kind === "string") {
      fail("D_DECL_ARRTYPE", line, `cannot declare array of ${kind} type`);
    }
    return { kind: "array", of: type, count: layer.size === undefined ? 0 : this.#count(layer.size) };
  }

  #count(size: ExpressionSyntax): number {
    const constant = this.#context.constantOf(size);
    const count = constant === undefined ? NaN : numberOf(constant.value, constant.signed);
    if (count > INT_MAX) fail("D_DECL_ARRBIG", size, "array size is too big: " + count);
    if (count > 0) return count;
    fail(
      "D_DECL_ARRSUB",
      size,
      "positive integral constant expression or tuple signature expected as array declaration subscript",
    );
  }

  #keys(layer: Extract<Layer, { kind: "tuple" }>, name: string, line: number): Type[] {
    if (layer.isVariadic) {
      fail("D_DECL_PROTO_VARARGS", line, `${name}[ ] prototype may not use a variable-length argument list`);
    }
    return this.parameters(layer.parameters, "associative array");
  }

  /**
   * Makes the types of parameters.
   *
   * @param parameters The parameters as they are written; a single `void` stands for none.
   * @param owner What they belong to, for messages.
   * @returns Their types; arrays are pointers, as in C.
   */
  parameters(parameters: readonly ParameterSyntax[], owner: string): Type[] {
    return parameters.flatMap(({ specifiers, declarator, line }) => {
      if (specifiers.storage !== undefined && specifiers.storage !== "register") {
        fail("D_DECL_PARMCLASS", line, "inappropriate storage class or function parameter");
      }
      const { type } = this.declare(specifiers, declarator);
      const { kind } = resolve(type);
      if (kind === "void") {
        if (parameters.length === 1 && owner !== "associative array" && declarator.name === "") return [];
        if (owner === "associative array") {
          fail("D_DECL_PROTO_TYPE", line, "void may not be the type of a key of an associative array");
        }
        fail("D_DECL_PROTO_VOID", line, "void must be the sole parameter in a function declaration");
      }
      if (kind === "array" && owner === "function") {
        return [{ kind: "pointer", to: (resolve(type) as { of: Type }).of, userland: false }];
      }
      return [type];
    });
  }

  #complete(type: EnumType, enumerators: readonly EnumeratorSyntax[], line: number): void {
    if (type.complete) fail("D_DECL_TYPERED", line, `type redeclared: ${typeName(type)}`);
    let next = 0;
    const made: { name: string; value: number }[] = [];
    for (const { name, value, line } of enumerators) {
      if (value !== undefined) {
        const constant = this.#context.constantOf(value);
        if (constant === undefined) {
          fail("D_DECL_ENCONST", line, `enumerator '${name}' must be assigned to an integral constant expression`);
        }
        next = numberOf(constant.value, constant.signed);
      }
      if (next > INT_MAX || next < -INT_MAX - 1) {
        fail("D_DECL_ENOFLOW", line, `enumerator '${name}' value overflows INT_MAX (${INT_MAX})`);
      }
      made.push({ name, value: next });
      this.#context.addEnumerator(name, next, type, line);
      next++;
    }
    type.enumerators = made;
    type.complete = true;
  }

  #layOut(type: StructType, declarations: readonly MemberDeclaration[], line: number): void {
    if (type.complete) fail("D_DECL_TYPERED", line, `type redeclared: ${typeName(type)}`);
    const layout = new Layout(type.kind === "union", this.#context.strsize());
    const names = new Set<string>();
    for (const { specifiers, declarators, line } of declarations) {
      if (specifiers.storage !== undefined) {
        fail("D_DECL_MEMBCLASS", line, "storage class may not be used in the declaration of a member");
      }
      const base = this.typeOf(specifiers);
      if (declarators.length === 0) this.#addUnnamed(layout, base, names, line);
      for (const declarator of declarators) this.#addMember(layout, base, specifiers.isUserland, declarator, names);
    }
    Object.assign(type, layout.finish(), { complete: true });
  }

  #addUnnamed(layout: Layout, type: Type, names: Set<string>, line: number): void {
    const resolved = resolve(type);
    if (resolved.kind !== "struct" && resolved.kind !== "union") fail("D_DECL_USELESS", line, "useless declaration");
    if (resolved.tag !== "") return;
    for (const { name } of flatMembers(resolved)) claimName(names, name, line);
    layout.add("", type, undefined);
  }

  #addMember(layout: Layout, base: Type, userland: boolean, syntax: DeclaratorSyntax, names: Set<string>): void {
    const { name, type, keys, line } = this.declareAs(base, userland, syntax);
    if (keys !== undefined) fail("D_DECL_ARRSUB", line, `cannot declare associative array as a member: ${name}`);
    if (name !== "") claimName(names, name, line);
    const width = syntax.bits === undefined ? undefined : this.#width(syntax.bits, type, name, line);
    if (width === undefined) this.#checkObject(name, type, line);
    layout.add(name, type, width);
  }

  #width(bits: ExpressionSyntax, type: Type, name: string, line: number): number {
    const constant = this.#context.constantOf(bits);
    const width = constant === undefined ? NaN : numberOf(constant.value, constant.signed);
    if (!(width > 0 || (width === 0 && name === ""))) {
      fail("D_DECL_BFCONST", line, "positive integral constant expression expected as bit-field size");
    }
    const { kind } = resolve(type);
    if (kind !== "integer" && kind !== "enum") fail("D_DECL_BFTYPE", line, `invalid type for bit-field: ${name}`);
    if (width > 8 * sizeOf(type, 0)) fail("D_DECL_BFSIZE", line, `bit-field too big for type: ${name}`);
    return width;
  }

  /** Checks that a member has a size. */
  #checkObject(name: string, type: Type, line: number): void {
    const { kind } = resolve(type);
    if (kind === "void") fail("D_DECL_VOIDOBJ", line, `cannot have void member: ${name}`);
    if (kind === "function") fail("D_DECL_FUNCTYPE", line, `cannot have function as a member: ${name}`);
    const isFlexible = kind === "array" && (resolve(type) as { count: number }).count === 0;
    if (sizeOf(type, 0) === 0 && !isFlexible && !isComplete(type)) {
      fail("D_DECL_INCOMPLETE", line, `incomplete ${typeName(type)}: ${name}`);
    }
  }
}

/**
 * Tells whether the size of a type is known.
 *
 * @param type The type.
 * @returns Whether it is; void and functions have none.
 */
export function isComplete(type: Type): boolean {
  const resolved = resolve(type);
  if (resolved.kind === "struct" || resolved.kind === "union" || resolved.kind === "enum") return resolved.complete;
  if (resolved.kind === "array") return resolved.count > 0 && isComplete(resolved.of);
  return resolved.kind !== "void" && resolved.kind !== "function";
}

/** The members of a structure with those of its unnamed members, which count as its own. */
export function* flatMembers(type: StructType, base = 0): Generator<Member> {
  for (const member of type.members) {
    const inner = resolve(member.type);
    const offsetBytes = base + member.offsetBytes;
    if (member.name === "" && (inner.kind === "struct" || inner.kind === "union")) {
      yield* flatMembers(inner, offsetBytes);
    } else if (member.name !== "") yield { ...member, offsetBytes };
  }
}

function claimName(names: Set<string>, name: string, line: number): void {
  if (names.has(name)) fail("D_UNKNOWN", line, `failed to define member '${name}': duplicate member name`);
  names.add(name);
}

/** Puts members at their offsets. */
class Layout {
  readonly #isUnion: boolean;
  readonly #strsize: number;
  readonly #members: Member[] = [];
  #bits = 0;
  #sizeBytes = 0;
  #alignBytes = 1;

  constructor(isUnion: boolean, strsize: number) {
    this.#isUnion = isUnion;
    this.#strsize = strsize;
  }

  /** Adds a member; `width` is that of a bit-field, 0 ends the unit. */
  add(name: string, type: Type, width: number | undefined): void {
    const sizeBytes = sizeOf(type, this.#strsize);
    const unit = 8 * alignOf(type);
    if (this.#isUnion) this.#bits = 0;
    const crosses = width !== undefined &&
      Math.floor(this.#bits / unit) !== Math.floor((this.#bits + width - 1) / unit);
    if (width === undefined || width === 0 || crosses) this.#bits = Math.ceil(this.#bits / unit) * unit;
    if (width === undefined) {
      this.#members.push({ name, type, offsetBytes: this.#bits / 8, bits: undefined });
    } else if (name !== "") {
      const offsetBytes = Math.floor(this.#bits / unit) * alignOf(type);
      const loadBytes = sizeBytes as 1 | 2 | 4 | 8;
      const bits = { shift: this.#bits - 8 * offsetBytes, width, loadBytes };
      this.#members.push({ name, type, offsetBytes, bits });
    }
    this.#bits += width ?? 8 * sizeBytes;
    if (name !== "" || width === undefined) this.#alignBytes = Math.max(this.#alignBytes, alignOf(type));
    this.#sizeBytes = Math.max(this.#sizeBytes, Math.ceil(this.#bits / 8));
  }

  finish(): Pick<StructType, "members" | "sizeBytes" | "alignBytes"> {
    return {
      members: this.#members,
      sizeBytes: Math.ceil(this.#sizeBytes / this.#alignBytes) * this.#alignBytes,
      alignBytes: this.#alignBytes,
    };
  }
}
