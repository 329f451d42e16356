/**
 * The expressions of the typed tree; see `tree.ts` for what they promise.
 *
 * @module
 */

import type { ArithmeticOperator, ComparisonOperator, Int64 } from "./int64.ts";
import type { BitField, Form, SymbolKind, Type } from "./types.ts";

/** Where a variable lives: in the program, in each thread (`self->`), or in a firing of a probe (`this->`). */
export type Scope = "global" | "thread" | "clause";

/** A variable of the program. */
export interface Variable {
  readonly name: string;
  readonly scope: Scope;
  /** Its number in its scope, from 0. */
  readonly id: number;
  /** The forms of its keys; undefined if it is no associative array. */
  readonly keys: readonly Form[] | undefined;
  readonly type: Type;
  readonly form: Form;
}

/** What all expressions have. */
interface ExpressionBase {
  readonly form: Form;
  readonly type: Type;
  readonly line: number;
}

/** An expression. */
export type Expression =
  | Constant
  | StringConstant
  | VariableReference
  | Element
  | Builtin
  | Argument
  | Register
  | Load
  | Convert
  | ToString
  | AddressOf
  | Unary
  | Bounded
  | Arithmetic
  | Comparison
  | StringComparison
  | Logical
  | Conditional
  | Comma
  | Assign
  | Step
  | Call
  | Stack
  | SymbolOf
  | Construct;

/** A number that is known. */
export interface Constant extends ExpressionBase {
  readonly kind: "constant";
  readonly value: Int64;
}

/** A string that is known. */
export interface StringConstant extends ExpressionBase {
  readonly kind: "string";
  /** The bytes without the NUL; of a longer one `strsize` - 1 count. */
  readonly bytes: Uint8Array;
}

/** A variable that is no associative array. */
export interface VariableReference extends ExpressionBase {
  readonly kind: "variable";
  readonly variable: Variable;
}

/** An element of an associative array; zero, or the empty string, if it has never been assigned. */
export interface Element extends ExpressionBase {
  readonly kind: "element";
  readonly variable: Variable;
  /** The keys, of the forms that the variable has. */
  readonly keys: readonly Expression[];
}

/** Built-in variables; those with `curpsinfo` and `curlwpsinfo` are members of what `/proc` tells. */
export type BuiltinName =
  | "caller"
  | "cpu"
  | "cwd"
  | "epid"
  | "errno"
  | "execname"
  | "gid"
  | "id"
  | "ipl"
  | "pid"
  | "ppid"
  | "probefunc"
  | "probemod"
  | "probename"
  | "probeprov"
  | "root"
  | "stackdepth"
  | "tid"
  | "timestamp"
  | "ucaller"
  | "uid"
  | "ustackdepth"
  | "vtimestamp"
  | "walltimestamp"
  | "zonename"
  | `curpsinfo.${ProcessMember}`
  | `curlwpsinfo.${ThreadMember}`;

/** The members of `psinfo_t` that the system can tell; the others are zero in the tree. */
export type ProcessMember =
  | "pr_pid"
  | "pr_ppid"
  | "pr_pgid"
  | "pr_sid"
  | "pr_uid"
  | "pr_euid"
  | "pr_gid"
  | "pr_egid"
  | "pr_nlwp"
  | "pr_fname"
  | "pr_psargs"
  | "pr_addr"
  | "pr_argc"
  | "pr_argv"
  | "pr_envp"
  | "pr_dmodel";

/** The members of `lwpsinfo_t` that the system can tell. */
export type ThreadMember = "pr_lwpid" | "pr_state" | "pr_sname" | "pr_pri" | "pr_onpro" | "pr_name";

/** A built-in variable. */
export interface Builtin extends ExpressionBase {
  readonly kind: "builtin";
  readonly name: BuiltinName;
}

/** `argN`, and `args[n]` after the probe's mapping of arguments. */
export interface Argument extends ExpressionBase {
  readonly kind: "argument";
  /** The argument, 0 to 9 for `argN`. */
  readonly index: number;
  /** Whether it is `args[n]`, which has the probe's type. */
  readonly typed: boolean;
}

/** `uregs[n]`. */
export interface Register extends ExpressionBase {
  readonly kind: "register";
  readonly index: Expression;
}

/** What an address points to: `*p`, `p->member`, `p[i]`. Only memory that the clause has made can be stored to. */
export interface Load extends ExpressionBase {
  readonly kind: "load";
  readonly address: Expression;
  /** Which bits of what is loaded, for a bit-field. */
  readonly bits: BitField | undefined;
  /** Whether the address is known to be the traced program's. */
  readonly userland: boolean;
}

/** A number cut to the form's size and extended by its sign; of the form `void` it is anything, evaluated for nothing. */
export interface Convert extends ExpressionBase {
  readonly kind: "convert";
  readonly operand: Expression;
}

/** A string at an address: `stringof(p)`, and a pointer or an array of characters where a string is wanted. */
export interface ToString extends ExpressionBase {
  readonly kind: "to-string";
  /** A number (an address), or `bytes` (an array). */
  readonly address: Expression;
  /** How many bytes there are at most; undefined for `strsize`. */
  readonly limitBytes: number | undefined;
}

/**
 * The address of a value of the form `bytes` that is no {@linkcode Load}, such as an array in a variable, or of the bytes
 * of a string, `execname[0]`.
 */
export interface AddressOf extends ExpressionBase {
  readonly kind: "address";
  readonly operand: Expression;
}

/** An operator with one operand, a number; `!` is 0 or 1. */
export interface Unary extends ExpressionBase {
  readonly kind: "unary";
  readonly operator: "-" | "~" | "!";
  readonly operand: Expression;
}

/** An index of an array that a variable holds; one that is outside of it is a fault of the clause. */
export interface Bounded extends ExpressionBase {
  readonly kind: "bounded";
  readonly index: Expression;
  /** How many elements there are. */
  readonly count: number;
}

/** An operator that computes a number of two. */
export interface Arithmetic extends ExpressionBase {
  readonly kind: "arithmetic";
  readonly operator: ArithmeticOperator;
  readonly left: Expression;
  readonly right: Expression;
  /** Whether `/`, `%` and `>>` respect a sign. */
  readonly signed: boolean;
}

/** A comparison of two numbers: 0 or 1. */
export interface Comparison extends ExpressionBase {
  readonly kind: "comparison";
  readonly operator: ComparisonOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly signed: boolean;
}

/** A comparison of two strings, byte by byte: 0 or 1. */
export interface StringComparison extends ExpressionBase {
  readonly kind: "string-comparison";
  readonly operator: ComparisonOperator;
  readonly left: Expression;
  readonly right: Expression;
}

/** `&&`, `||` and `^^`: 0 or 1. The first two evaluate the right operand only if it matters. */
export interface Logical extends ExpressionBase {
  readonly kind: "logical";
  readonly operator: "&&" | "||" | "^^";
  readonly left: Expression;
  readonly right: Expression;
}

/** `?:`; both values have the form of the whole. */
export interface Conditional extends ExpressionBase {
  readonly kind: "conditional";
  readonly condition: Expression;
  readonly then: Expression;
  readonly otherwise: Expression;
}

/** `,`: the value of the last. */
export interface Comma extends ExpressionBase {
  readonly kind: "comma";
  /** Two at least. */
  readonly expressions: readonly Expression[];
}

/** What can be assigned to. */
export type Place = VariableReference | Element | Load;

/**
 * An assignment; its value is what is in the place afterwards.
 *
 * Without an operator the place gets the value, whose form is that of the place. A zero that is assigned to an element
 * of an associative array, or to a thread's variable, frees it. With an operator the place gets the result of the
 * operator on what it holds and the value; the place is evaluated once.
 */
export interface Assign extends ExpressionBase {
  readonly kind: "assign";
  readonly place: Place;
  readonly operator: ArithmeticOperator | undefined;
  /** As in {@linkcode Arithmetic}. */
  readonly signed: boolean;
  readonly value: Expression;
}

/** `++` and `--`. */
export interface Step extends ExpressionBase {
  readonly kind: "step";
  readonly place: Place;
  /** What is added: 1 or -1, or as many times the size of what a pointer points to. */
  readonly by: Int64;
  /** Whether the value is that from before the change. */
  readonly postfix: boolean;
}

/** The subroutines, which have a value or change memory, and record nothing. */
export type SubroutineName =
  | "alloca"
  | "basename"
  | "bcopy"
  | "cleanpath"
  | "copyin"
  | "copyinstr"
  | "copyinto"
  | "copyout"
  | "copyoutstr"
  | "d_path"
  | "dirname"
  | "getmajor"
  | "getminor"
  | "htonl"
  | "htonll"
  | "htons"
  | "index"
  | "inet_ntoa"
  | "inet_ntoa6"
  | "inet_ntop"
  | "json"
  | "link_ntop"
  | "lltostr"
  | "mutex_owned"
  | "mutex_owner"
  | "mutex_type_adaptive"
  | "mutex_type_spin"
  | "ntohl"
  | "ntohll"
  | "ntohs"
  | "progenyof"
  | "rand"
  | "rindex"
  | "rw_iswriter"
  | "rw_read_held"
  | "rw_write_held"
  | "speculation"
  | "strchr"
  | "strjoin"
  | "strlen"
  | "strrchr"
  | "strstr"
  | "strtok"
  | "strtoll"
  | "substr"
  | "tolower"
  | "toupper";

/** A call of a subroutine. Arguments have been converted to what the subroutine takes; optional ones may be missing. */
export interface Call extends ExpressionBase {
  readonly kind: "call";
  readonly name: SubroutineName;
  readonly arguments: readonly Expression[];
}

/** A stack, recorded by a statement or used as a key. */
export interface Stack extends ExpressionBase {
  readonly kind: "stack";
  readonly of: "stack" | "ustack" | "jstack";
  /** How many frames at most; undefined for the option of that stack. */
  readonly frames: number | undefined;
  /** How many bytes the names of interpreted frames may take; undefined for the option. */
  readonly stringBytes: number | undefined;
}

/** `usym(address)` and its like. */
export interface SymbolOf extends ExpressionBase {
  readonly kind: "symbol";
  readonly of: SymbolKind;
  readonly address: Expression;
}

/** A structure made by a translator, where not only a member of it is wanted; what is not listed is zero. */
export interface Construct extends ExpressionBase {
  readonly kind: "construct";
  readonly members: readonly ConstructMember[];
}

/** A member of a structure that is made. */
export interface ConstructMember {
  readonly offsetBytes: number;
  readonly bits: BitField | undefined;
  readonly value: Expression;
}
