/**
 * Every tag of the compiler, with the line and the words that libdtrace's users know.
 */

import { assertEquals } from "@std/assert";
import { CompileError } from "../../lib/d/compile_error.ts";
import { type CompileContext, compileProgram } from "../../lib/d/compile.ts";

/** A program that is wrong. */
interface Wrong {
  readonly source: string;
  /** The message. */
  readonly message: string;
  readonly context?: CompileContext;
}

/** Declares a test of a program that does not compile, for the tag in front of the colon. */
function testError(name: string, wrong: () => Wrong): void {
  Deno.test(name, () => {
    const { source, message, context } = wrong();
    const error = errorOf(source, { isFile: true, ...context });
    assertEquals([error.tag, error.message], [name.split(":")[0], message]);
  });
}

/** The error that a program has. */
function errorOf(source: string, context: CompileContext): { tag: string; message: string } {
  try {
    compileProgram(source, context);
  } catch (error) {
    if (error instanceof CompileError) return error;
    throw error;
  }
  return { tag: "none", message: "the program compiles" };
}

/** Puts statements into a clause, behind declarations. */
function clause(statements: string, declarations = ""): string {
  return `${declarations}BEGIN { ${statements} }`;
}

testError("D_SYNTAX: what cannot stand where it is", () => ({
  source: "BEGIN { trace(1 }",
  message: 'line 1: syntax error near "}"',
}));

testError("D_SYNTAX: a clause that is not closed", () => ({
  source: "BEGIN { trace(1);",
  message: "line 1: end-of-file encountered before matching }",
}));

testError("D_SYNTAX: a probe description alone in a file", () => ({
  source: "BEGIN",
  message: "line 1: expected predicate and/or actions following probe description",
}));

testError("D_SYNTAX: a predicate without actions", () => ({
  source: "BEGIN /1/",
  message: "line 1: expected actions { } following probe description and predicate",
}));

testError("D_SYNTAX: a floating-point constant", () => ({
  source: clause("trace(1.5);"),
  message: "line 1: floating-point constants are not permitted",
}));

testError("D_SYNTAX: a comment that is not closed", () => ({
  source: "BEGIN { /* trace(1); }",
  message: "line 1: end-of-file encountered before matching */",
}));

testError("D_SYNTAX: a comment in a comment", () => ({
  source: "BEGIN { /* /* */ trace(1); }",
  message: "line 1: /* encountered inside a comment",
}));

testError("D_SYNTAX: a character that D does not know", () => ({
  source: clause("trace(\\);"),
  message: 'line 1: syntax error near "\\"',
}));

testError("D_SYNTAX: a declaration with a value", () => ({
  source: "int x = 5;",
  message: 'line 1: syntax error near "="',
}));

testError("D_SYNTAX: a program that is nested too deeply", () => ({
  source: clause(`trace(${"(".repeat(300)}1${")".repeat(300)});`),
  message: "line 1: program is nested too deeply",
}));

testError("D_SYNTAX: an expression that is too long", () => ({
  source: clause(`trace(1${"+1".repeat(600)});`),
  message: "line 1: expression is too long",
}));

testError("D_SYNTAX: a conversion that D does not know", () => ({
  source: clause('printf("%z", 1);'),
  message: "line 1: format conversion #1 is undefined: %z",
}));

testError("D_SYNTAX: a format that ends in a conversion", () => ({
  source: clause('printf("%5", 1);'),
  message: "line 1: format conversion #1 name expected before end of format string",
}));

testError("D_SYNTAX: flags of a percent sign", () => ({
  source: clause('printf("%-%", 1);'),
  message: "line 1: format conversion #1 cannot be combined with other format flags: %%",
}));

testError("D_SYNTAX: a place of an argument in a format", () => ({
  source: clause('printf("%1$d", 1);'),
  message: "line 1: format conversion #1 uses unsupported positional format (%n$)",
}));

testError("D_SYNTAX: two widths in a format", () => ({
  source: clause('printf("%**d", 1);'),
  message: "line 1: format conversion #1 has more than one '*' specified for the output width",
}));

testError("D_SYNTAX: two precisions in a format", () => ({
  source: clause('printf("%.**d", 1);'),
  message: "line 1: format conversion #1 has more than one '*' specified for the output precision",
}));

testError("D_SYNTAX: two points in a format", () => ({
  source: clause('printf("%5.5.5d", 1);'),
  message: "line 1: format conversion #1 has more than one '.' specified",
}));

testError("D_SYNTAX: a conversion of no letter in a format", () => ({
  source: clause('printf("%!", 1);'),
  message: "line 1: format conversion #1 is undefined: %!",
}));

testError("D_SYNTAX: a keyword that means nothing", () => ({
  source: clause("return;"),
  message: 'line 1: syntax error near "return"',
}));

testError("D_SYNTAX: letters behind a number", () => ({
  source: clause("trace(12ab);"),
  message: 'line 1: syntax error near "ab"',
}));

testError("D_SYNTAX: an action that is nested in an expression of a predicate's slash", () => ({
  source: "BEGIN /1/ trace(1);",
  message: 'line 1: syntax error near ";"',
}));

testError("D_EMPTY: nothing but comments", () => ({
  source: "/* nothing */",
  message: "line 1: empty D program translation unit",
}));

testError("D_STR_NL: a string over two lines", () => ({
  source: 'BEGIN { trace("a\nb"); }',
  message: "line 1: newline encountered in string literal",
}));

testError("D_CHR_NL: a character over two lines", () => ({
  source: "BEGIN { trace('a\n'); }",
  message: "line 1: newline encountered in character constant",
}));

testError("D_CHR_NULL: no character", () => ({
  source: clause("trace('');"),
  message: "line 1: empty character constant",
}));

testError("D_CHR_OFLOW: more than eight characters", () => ({
  source: clause("trace('abcdefghi');"),
  message: "line 1: character constant is too long",
}));

testError("D_INT_OFLOW: more than 64 bits", () => ({
  source: clause("trace(18446744073709551616);"),
  message: "line 1: integer constant 18446744073709551616 cannot be represented in any built-in integral type",
}));

testError("D_INT_DIGIT: an octal number with a 9", () => ({
  source: clause("trace(079);"),
  message: "line 1: octal constant 079 contains invalid digit '9'",
}));

testError("D_MACRO_UNDEF: a variable without a value", () => ({
  source: clause("trace($target);"),
  message: "line 1: macro variable $target is not defined",
}));

testError("D_MACRO_UNDEF: an argument that is not there", () => ({
  source: clause("trace($1);"),
  message: "line 1: macro argument $1 is not defined",
}));

testError("D_MACRO_UNUSED: an argument that nobody uses", () => ({
  source: clause("trace($1);"),
  message: "line 1: extraneous argument 'x' ($2 is not referenced)",
  context: { macros: { arguments: ["s.d", "7", "x"], variables: {}, defaults: false } },
}));

testError("D_PDESC_INVAL: too many fields", () => ({
  source: "a:b:c:d:e { trace(1); }",
  message: 'line 1: invalid probe description "a:b:c:d:e": Overspecified probe description',
}));

testError("D_PDESC_INVAL: an undefined macro variable in the provider", () => ({
  source: "pid$target:::entry { trace(1); }",
  message: 'line 1: invalid probe description "pid$target:::entry": Undefined macro variable in probe description',
}));

testError("D_PDESC_INVAL: the number of no probe", () => ({
  source: "99999 { trace(1); }",
  message: "line 1: invalid probe identifier 99999: Unknown probe identifier",
}));

testError("D_IDENT_UNDEF: a name that nobody knows", () => ({
  source: clause("trace(foo);"),
  message: "line 1: failed to resolve foo: Unknown variable name",
}));

testError("D_IDENT_UNDEF: a variable of the kernel", () => ({
  source: clause("trace(`max_pfn);"),
  message: "line 1: failed to resolve `max_pfn: Unknown symbol name",
}));

testError("D_IDENT_UNDEF: a built-in variable that means the kernel", () => ({
  source: clause("trace(curthread);"),
  message: "line 1: failed to resolve curthread: Unknown variable name",
}));

testError("D_IDENT_UNDEF: an inline that means itself", () => ({
  source: "inline int x = x + 1;",
  message: "line 1: failed to resolve x: Unknown variable name",
}));

testError("D_IDENT_BADREF: an associative array without keys", () => ({
  source: clause("a[1] = 2; trace(a);"),
  message: "line 1: associative array a may not be referenced without its keys",
}));

testError("D_IDENT_BADREF: a function as a variable", () => ({
  source: clause("trace(strlen);"),
  message: "line 1: function 'strlen' may not be referenced as a variable",
}));

testError("D_IDENT_BADREF: args without an index", () => ({
  source: clause("trace(args);"),
  message: "line 1: associative array args may not be referenced without its keys",
}));

testError("D_IDENT_BADREF: an inline without its arguments", () => ({
  source: clause("trace(f);", "inline int f[int a] = a;\n"),
  message: "line 2: inline f may not be referenced without its arguments",
}));

testError("D_VAR_UNDEF: a thread's variable before its first assignment", () => ({
  source: "BEGIN /self->x/ { self->x = 1; }",
  message: "line 1: self->x has not yet been declared or assigned",
}));

testError("D_VAR_UNDEF: an associative array before its first assignment", () => ({
  source: clause("trace(a[1]);"),
  message: "line 1: a[ ] has not yet been declared or assigned",
}));

testError("D_FUNC_UNDEF: a function that nobody knows", () => ({
  source: clause("foo(1);"),
  message: "line 1: undefined function name: foo",
}));

testError("D_FUNC_IDENT: a call of what is no name", () => ({
  source: clause("(1)(2);"),
  message: "line 1: function designator is not of function type",
}));

testError("D_FUNC_IDKIND: a call of a variable", () => ({
  source: clause("pid(1);"),
  message: "line 1: variable 'pid' is not a function",
}));

testError("D_AGG_FUNC: an aggregation by a function that does not aggregate", () => ({
  source: clause("@a = strlen(execname);"),
  message: "line 1: function strlen( ) is not an aggregating function: @a",
}));

testError("D_PROTO_LEN: too few arguments", () => ({
  source: clause("trace(strlen());"),
  message: "line 1: strlen( ) prototype mismatch: 0 args passed, 1 expected",
}));

testError("D_PROTO_LEN: too many arguments", () => ({
  source: clause("trace(substr(execname, 1, 2, 3));"),
  message: "line 1: substr( ) prototype mismatch: 4 args passed, at most 3 expected",
}));

testError("D_PROTO_LEN: fewer arguments than there must be", () => ({
  source: clause("trace(substr(execname));"),
  message: "line 1: substr( ) prototype mismatch: 1 arg passed, at least 2 expected",
}));

testError("D_PROTO_LEN: another number of keys than before", () => ({
  source: clause("a[1] = 1; a[1, 2] = 1;"),
  message: "line 1: a[ ] prototype mismatch: 2 keys passed, 1 expected",
}));

testError("D_PROTO_LEN: another number of keys of an aggregation", () => ({
  source: clause("@a[1] = count(); @a[1, 2] = count();"),
  message: "line 1: @a[ ] prototype mismatch: 2 keys passed, 1 expected",
}));

testError("D_PROTO_LEN: another number of arguments of an inline", () => ({
  source: clause("trace(f[1, 2]);", "inline int f[int a] = a;\n"),
  message: "line 2: f[ ] prototype mismatch: 2 keys passed, 1 expected",
}));

testError("D_PROTO_ARG: an argument of another type", () => ({
  source: clause("trace(strlen(1));"),
  message: "line 1: strlen( ) argument #1 is incompatible with prototype:\n\tprototype: const char *\n\t argument: int",
}));

testError("D_PROTO_ARG: a pointer where an address is a number", () => ({
  source: clause("p = (char *)arg0; trace(copyinstr(p));"),
  message:
    "line 1: copyinstr( ) argument #1 is incompatible with prototype:\n\tprototype: uintptr_t\n\t argument: char *",
}));

testError("D_PROTO_ARG: a key of another type than before", () => ({
  source: clause('a["x"] = 1; a[1] = 1;'),
  message: "line 1: a[ ] key #1 is incompatible with prototype:\n\tprototype: string\n\t argument: int",
}));

testError("D_PROTO_ARG: a key of an aggregation of another type", () => ({
  source: clause('@a["x"] = count(); @a[1] = count();'),
  message: "line 1: @a[ ] key #1 is incompatible with prototype:\n\tprototype: string\n\t argument: int",
}));

testError("D_PROTO_ARG: an argument of an inline of another type", () => ({
  source: clause('trace(f["x"]);', "inline int f[int a] = a;\n"),
  message: "line 2: f[ ] key #1 is incompatible with prototype:\n\tprototype: int\n\t argument: string",
}));

testError("D_PROTO_ARG: an option that is no string", () => ({
  source: clause("setopt(5);"),
  message: "line 1: setopt( ) argument #1 is incompatible with prototype:\n\tprototype: const char *\n\t argument: int",
}));

testError("D_PROTO_ARG: a register that is no constant", () => ({
  source: clause("trace(uregs[pid]);"),
  message: "line 1: uregs[ ] key #1 is incompatible with prototype:\n\tprototype: integer constant\n\t argument: pid_t",
}));

testError("D_PROTO_ARG: an increment that is no number", () => ({
  source: clause('@ = quantize(1, "x");'),
  message: "line 1: quantize( ) argument #2 is incompatible with prototype:\n\tprototype: int64_t\n\t argument: string",
}));

testError("D_PROTO_ARG: a format that is no string", () => ({
  source: clause("printf(1);"),
  message: "line 1: printf( ) argument #1 is incompatible with prototype:\n\tprototype: string\n\t argument: int",
}));

testError("D_PROTO_ARG: a number of frames that is no number", () => ({
  source: clause("ustack(execname);"),
  message: "line 1: ustack( ) argument #1 is incompatible with prototype:\n\tprototype: uint32_t\n\t argument: string",
}));

testError("D_UNKNOWN: a register that is not there", () => ({
  source: clause("trace(uregs[99]);"),
  message: "line 1: uregs[ ] index 99 is out of range (0 to 26)",
}));

testError("D_UNKNOWN: a structure with two members of one name", () => ({
  source: "struct s { int a; char a; };",
  message: "line 1: failed to define member 'a': duplicate member name",
}));

testError("D_CG_EXPR: an action in an expression", () => ({
  source: clause("x = trace(1);"),
  message: "line 1: tracing function trace( ) may not be called from a D expression (D program context required)",
}));

testError("D_CG_EXPR: an aggregating function alone", () => ({
  source: clause("count();"),
  message: "line 1: aggregating function count( ) may not be called from a D expression (D program context required)",
}));

testError("D_UNKNOWN: the offset of a member that is not there", () => ({
  source: clause("trace(offsetof(struct s, b));", "struct s { int a; };\n"),
  message: "line 2: failed to determine offset of b: no such member",
}));

testError("D_KEY_TYPE: an aggregation as a key", () => ({
  source: clause("@b = count(); @a[@b] = count();"),
  message: "line 1: dynamic expression may not be used as aggregation index: @a[ ] key #1",
}));

testError("D_KEY_TYPE: an action as a key", () => ({
  source: clause("@a[trace(1)] = count();"),
  message: "line 1: void expression may not be used as aggregation index: @a[ ] key #1",
}));

testError("D_PROTO_ARG: an action as an argument", () => ({
  source: clause("exit(trace(1));"),
  message: "line 1: exit( ) argument #1 is incompatible with prototype:\n\tprototype: int\n\t argument: void",
}));

testError("D_PRINTF_ARG_TYPE: an action as a value", () => ({
  source: clause('printf("%d", printf("x"));'),
  message: "line 1: printf( ) may not be applied to a void expression",
}));

testError("D_CG_EXPR: an action behind a comma", () => ({
  source: clause("(1, trace(1));"),
  message: "line 1: tracing function trace( ) may not be called from a D expression (D program context required)",
}));

testError("D_CG_DYN: an aggregation in an expression", () => ({
  source: clause("@a = count(); x = @a + 1;"),
  message: "line 1: expression cannot evaluate to result of dynamic type",
}));

testError("D_PRED_SCALAR: a predicate that is a string", () => ({
  source: "BEGIN /execname/ { trace(1); }",
  message: "line 1: predicate result must be of scalar type",
}));

testError("D_PRED_SCALAR: a condition that is a string", () => ({
  source: clause("if (execname) trace(1);"),
  message: "line 1: predicate result must be of scalar type",
}));

testError("D_OP_INT: bits of a string", () => ({
  source: clause("trace(execname & 1);"),
  message: "line 1: operator & requires operands of integral type",
}));

testError("D_OP_INT: bits of a string in an assignment", () => ({
  source: clause('x = "a"; x |= 1;'),
  message: "line 1: operator |= requires operands of integral type",
}));

testError("D_OP_ARITH: a product of a string", () => ({
  source: clause("trace(execname * 2);"),
  message: "line 1: operator * requires operands of arithmetic type",
}));

testError("D_OP_ARITH: a negative string", () => ({
  source: clause("trace(-execname);"),
  message: "line 1: operator - requires an operand of arithmetic type",
}));

testError("D_OP_SCALAR: the negation of a string", () => ({
  source: clause("trace(!execname);"),
  message: "line 1: operator ! requires an operand of scalar type",
}));

testError("D_OP_SCALAR: a conjunction of strings", () => ({
  source: clause("trace(execname && 1);"),
  message: "line 1: operator && requires operands of scalar type",
}));

testError("D_OP_SCALAR: a condition that is a string in an operator", () => ({
  source: clause("trace(execname ? 1 : 2);"),
  message: "line 1: operator ?: expression must be of scalar type",
}));

testError("D_OP_SCALAR: an increment of a string", () => ({
  source: clause('x = "a"; x++;'),
  message: "line 1: operator ++ requires operand of scalar type",
}));

testError("D_OP_INCOMPAT: a string and a number", () => ({
  source: clause("trace(execname == 1);"),
  message: 'line 1: operands have incompatible types: "string" == "int"',
}));

testError("D_OP_INCOMPAT: an assignment of another type", () => ({
  source: clause('x = 1; x = "a";'),
  message: 'line 1: operands have incompatible types: "int" = "string"',
}));

testError("D_OP_INCOMPAT: arithmetic of pointers to void", () => ({
  source: clause("trace((void *)arg0 + 1);"),
  message: 'line 1: operands have incompatible types: "void *" + "int"',
}));

testError("D_OP_INCOMPAT: a sum of pointers", () => ({
  source: clause("trace((int *)arg0 + (int *)arg1);"),
  message: 'line 1: operands have incompatible types: "int *" + "int *"',
}));

testError("D_OP_INCOMPAT: two values of a condition", () => ({
  source: clause('trace(pid ? 1 : "a");'),
  message: "line 1: operator ?: operands must have compatible types",
}));

testError("D_OP_INCOMPAT: an inline of another type", () => ({
  source: 'inline int x = "a";',
  message: 'line 1: inline x definition uses incompatible types: "int" = "string"',
}));

testError("D_OP_VFPTR: an increment of a pointer to void", () => ({
  source: clause("p = (void *)arg0; p++;"),
  message: "line 1: operator ++ cannot be applied to a pointer to void or to a function",
}));

testError("D_OP_INCOMPLETE: a member of a forward declaration", () => ({
  source: clause("trace(((struct foo *)arg0)->x);"),
  message: "line 1: operator -> cannot be applied to a forward declaration: no struct foo definition is available",
}));

testError("D_OP_INCOMPLETE: arithmetic of pointers to a forward declaration", () => ({
  source: clause("trace((struct foo *)arg0 + 1);"),
  message: "line 1: operator + cannot be applied to a pointer to incomplete struct foo",
}));

testError("D_OP_LVAL: an assignment to a constant", () => ({
  source: clause("1 = 2;"),
  message: "line 1: operator = requires modifiable lvalue as an operand",
}));

testError("D_OP_WRITE: an assignment to a built-in variable", () => ({
  source: clause("pid = 2;"),
  message: "line 1: operator = can only be applied to a writable variable",
}));

testError("D_OP_WRITE: an increment of an inline", () => ({
  source: clause("x++;", "inline int x = 1;\n"),
  message: "line 2: operator ++ can only be applied to a writable variable",
}));

testError("D_OP_ACT: a stack in a variable", () => ({
  source: clause("x = ustack();"),
  message: "line 1: operator = cannot be applied to the result of a tracing function",
}));

testError("D_OP_ACT: an action that a condition chooses", () => ({
  source: clause("x = pid ? trace(0) : trace(1);"),
  message: "line 1: operator ?: operands may not be tracing functions",
}));

testError("D_OP_VOID: nothing in a variable", () => ({
  source: clause("x = (void)1;"),
  message: "line 1: operator = cannot be applied to a void expression",
}));

testError("D_OP_DYN: a pointer to what a translator makes", () => ({
  source: clause("x = curpsinfo;"),
  message: "line 1: cannot use translated psinfo_t * as a value; only its members have one",
}));

testError("D_OP_ARRFUN: an assignment to an array", () => ({
  source: clause("x = y;", "int x[2];\nint y[2];\n"),
  message: 'line 3: operator = may not be applied to operand of type "int [2]"',
}));

testError("D_OP_ARRFUN: an array in a new variable", () => ({
  source: clause("x = y;", "int y[2];\n"),
  message: "line 2: operator = may not be applied to operand of array type",
}));

testError("D_OP_PTR: a member of a number by an arrow", () => ({
  source: clause("trace(pid->x);"),
  message: "line 1: operator -> must be applied to a pointer",
}));

testError("D_OP_PTR: an index of a number", () => ({
  source: clause("trace(pid[1]);"),
  message: 'line 1: operator [ ] cannot be applied to type "pid_t"; must be applied to an array or a pointer',
}));

testError("D_OP_DOT: a member of a pointer by a dot", () => ({
  source: clause("trace(((struct s *)arg0).a);", "struct s { int a; };\n"),
  message: 'line 2: operator . cannot be applied to pointer to type "struct s *"; use operator -> instead',
}));

testError("D_OP_SOU: a member of a number", () => ({
  source: clause("trace(pid.x);"),
  message: 'line 1: operator . cannot be applied to type "pid_t"; must be applied to a struct or union',
}));

testError("D_OP_SOU: a member of what is behind a pointer to a number", () => ({
  source: clause("trace(((int *)arg0)->x);"),
  message:
    'line 1: operator -> cannot be applied to pointer to type "int"; must be applied to a struct or union pointer',
}));

testError("D_TYPE_MEMBER: a member that is not there", () => ({
  source: clause("trace(((struct s *)arg0)->b);", "struct s { int a; };\n"),
  message: "line 2: b is not a member of struct s",
}));

testError("D_DIV_ZERO: a division by a zero that is written", () => ({
  source: clause("trace(1 / 0);"),
  message: "line 1: expression contains division by zero",
}));

testError("D_DIV_ZERO: an assignment with such a division", () => ({
  source: clause("x = 1; x %= 0;"),
  message: "line 1: expression contains division by zero",
}));

testError("D_ATTR_MIN: a clause that relies on less than it may", () => ({
  source: "#pragma D option amin=Stable/Stable/Common\nBEGIN\n{\n  trace(htons(1));\n}\n",
  message: "line 5: attributes for clause (Evolving/Evolving/Common) are less than predefined minimum",
}));

testError("D_ATTR_MIN: a description that says too much", () => ({
  source: "pid1:a.out:main:entry { trace(1); }",
  message: "line 1: attributes for clause (Private/Private/Unknown) are less than predefined minimum",
  context: { leastAttributes: { name: "Evolving", data: "Evolving", class: "ISA" } },
}));

testError("D_CAST_INVAL: a string to a number", () => ({
  source: clause("trace((int)execname);"),
  message: 'line 1: invalid cast expression: from type "string" to "int"',
}));

testError("D_ADDROF_VAR: the address of a variable", () => ({
  source: clause("x = 1; trace(&x);"),
  message: "line 1: cannot take address of scalar variable: x",
}));

testError("D_ADDROF_VAR: the address of an aggregation", () => ({
  source: clause("@a = count(); trace(&@a);"),
  message: "line 1: cannot take address of aggregation: @a",
}));

testError("D_ADDROF_LVAL: the address of a sum", () => ({
  source: clause("trace(&(pid + 1));"),
  message: "line 1: unary & operator requires an lvalue as its operand",
}));

testError("D_ADDROF_BITFIELD: the address of a bit-field", () => ({
  source: clause("trace(&((struct s *)arg0)->a);", "struct s { int a : 3; };\n"),
  message: "line 2: cannot take address of bit-field",
}));

testError("D_DEREF_VOID: what a pointer to void leads to", () => ({
  source: clause("trace(*(void *)arg0);"),
  message: "line 1: cannot dereference pointer to void",
}));

testError("D_DEREF_NONPTR: what a number leads to", () => ({
  source: clause("trace(*pid);"),
  message: "line 1: cannot dereference non-pointer type",
}));

testError("D_DEREF_FUNC: what a pointer to a function leads to", () => ({
  source: clause("trace(*(int (*)(int))arg0);"),
  message: "line 1: cannot dereference pointer to function",
}));

testError("D_SIZEOF_TYPE: the size of nothing", () => ({
  source: clause("trace(sizeof (void));"),
  message: "line 1: cannot apply sizeof to an operand of void type",
}));

testError("D_SIZEOF_BITFIELD: the size of a bit-field", () => ({
  source: clause("trace(sizeof (((struct s *)0)->a));", "struct s { int a : 3; };\n"),
  message: "line 2: cannot apply sizeof to a bit-field",
}));

testError("D_OFFSETOF_TYPE: the offset in a number", () => ({
  source: clause("trace(offsetof(int, a));"),
  message: "line 1: offsetof operand must be a struct or union type",
}));

testError("D_OFFSETOF_BITFIELD: the offset of a bit-field", () => ({
  source: clause("trace(offsetof(struct s, a));", "struct s { int a : 3; };\n"),
  message: "line 2: cannot take offset of a bit-field: a",
}));

testError("D_STRINGOF_TYPE: a structure as a string", () => ({
  source: clause("trace(stringof(*(struct s *)arg0));", "struct s { int a; };\n"),
  message: "line 2: cannot apply stringof to a value of type struct s",
}));

testError("D_ARR_BADREF: two indexes of an array of C", () => ({
  source: clause("x[1, 2] = 1;", "int x[5];\n"),
  message: "line 2: tuple may not be used as an index of an array that is not associative",
}));

testError("D_ARR_BOUNDS: an index behind the end of an array", () => ({
  source: clause("trace(x[5]);", "int x[5];\n"),
  message: "line 2: index outside array bounds: 5, max is 4",
}));

testError("D_ARR_LOCAL: keys of a clause's variable", () => ({
  source: clause("this->x[1] = 2;"),
  message: "line 1: this->x may not be used as a clause-local associative array",
}));

testError("D_KEY_TYPE: a stack as a key", () => ({
  source: clause("a[ustack()] = 1;"),
  message: "line 1: stack expression may not be used as associative array index: a[ ] key #1",
}));

testError("D_KEY_TYPE: nothing as a key of an aggregation", () => ({
  source: clause("@a[(void)1] = count();"),
  message: "line 1: void expression may not be used as aggregation index: @a[ ] key #1",
}));

testError("D_ID_OFLOW: too many variables", () => ({
  source: clause("", Array.from({ length: 0x10000 }, (_, i) => `int v${i};`).join("\n")),
  message: "line 65536: limit of 65535 global variables exceeded",
}));

testError("D_ARGS_NONE: args of a probe that has none", () => ({
  source: clause("trace(args[0]);"),
  message: "line 1: args[ ] may not be referenced because probe description :::BEGIN matches an unstable set of probes",
}));

testError("D_ARGS_NONE: args outside of clauses", () => ({
  source: "inline int x = args[0];",
  message: "line 1: args[ ] may not be referenced outside of a clause",
}));

testError("D_ALLOCA_SIZE: more than all scratch memory", () => ({
  source: clause("this->p = alloca(1025);"),
  message: "line 1: alloca(1025) size larger than scratchsize 1024",
  context: { scratchsize: 1024 },
}));

testError("D_ALLOCA_SIZE: a copy of more than the scratch memory of the program's option", () => ({
  source: clause("this->p = copyin(arg0, 4097);", "#pragma D option scratchsize=4k\n"),
  message: "line 2: copyin(4097) size larger than scratchsize 4096",
}));

testError("D_ALLOCA_SIZE: a negative size", () => ({
  source: clause("this->p = alloca(-1);"),
  message: "line 1: alloca(18446744073709551615) size larger than scratchsize 65536",
  context: { scratchsize: 65536 },
}));

testError("D_ARGS_IDX: an argument that is not there", () => ({
  source: "p1:::q { trace(args[1]); }",
  message: "line 1: index 1 is out of range for p1:::q args[ ]",
  context: { argumentTypes: () => ["int"] },
}));

testError("D_ARGS_TYPE: an index of args that is no constant", () => ({
  source: "p1:::q { trace(args[pid]); }",
  message: "line 1: args[ ] must be referenced using an integer constant",
  context: { argumentTypes: () => ["int"] },
}));

testError("D_AGG_NULL: an aggregation alone", () => ({
  source: clause("@a = count(); @a;"),
  message: "line 1: expression has null effect",
}));

testError("D_AGG_FUNC: a value in place of an aggregating function", () => ({
  source: clause("@a = 1;"),
  message: "line 1: aggregation @a may only be assigned an aggregating function",
}));

testError("D_AGG_FUNC: an aggregation that is added to", () => ({
  source: clause("@a += 1;"),
  message: "line 1: aggregation @a may only be assigned an aggregating function",
}));

testError("D_AGG_REDEF: another function than before", () => ({
  source: clause("@a = count(); @a = sum(1);"),
  message: "line 1: aggregation redefined: @a\n\t current: @a = sum( )\n\tprevious: @a = count( )",
}));

testError("D_AGG_SCALAR: the sum of strings", () => ({
  source: clause("@a = sum(execname);"),
  message: "line 1: sum( ) argument #1 must be of scalar type",
}));

testError("D_AGG_MDIM: two pairs of brackets", () => ({
  source: clause("@a[1][2] = count();"),
  message: "line 1: improper attempt to reference @a as a multi-dimensional aggregation",
}));

testError("D_LQUANT_BASETYPE: a base that is no constant", () => ({
  source: clause("@ = lquantize(1, pid, 10);"),
  message: "line 1: lquantize( ) argument #2 must be an integer constant",
}));

testError("D_LQUANT_BASEVAL: a base beyond 32 bits", () => ({
  source: clause("@ = lquantize(1, 0x80000000, 10);"),
  message: "line 1: lquantize( ) base (argument #2) must be a 32-bit quantity",
}));

testError("D_LQUANT_LIMTYPE: a limit that is no constant", () => ({
  source: clause("@ = lquantize(1, 0, pid);"),
  message: "line 1: lquantize( ) argument #3 must be an integer constant",
}));

testError("D_LQUANT_LIMVAL: a limit beyond 32 bits", () => ({
  source: clause("@ = lquantize(1, 0, 0x80000000);"),
  message: "line 1: lquantize( ) limit (argument #3) must be a 32-bit quantity",
}));

testError("D_LQUANT_MISMATCH: a limit below the base", () => ({
  source: clause("@ = lquantize(1, 10, 0);"),
  message: "line 1: lquantize( ) base (argument #2) must be less than limit (argument #3)",
}));

testError("D_LQUANT_STEPTYPE: a step that is no constant", () => ({
  source: clause("@ = lquantize(1, 0, 10, pid);"),
  message: "line 1: lquantize( ) argument #4 must be a non-zero positive integer constant",
}));

testError("D_LQUANT_STEPVAL: a step beyond 16 bits", () => ({
  source: clause("@ = lquantize(1, 0, 1000000, 65536);"),
  message: "line 1: lquantize( ) step (argument #4) must be a 16-bit quantity",
}));

testError("D_LQUANT_STEPLARGE: a step beyond the limit", () => ({
  source: clause("@ = lquantize(1, 0, 10, 11);"),
  message: "line 1: lquantize( ) step (argument #4) too large: no levels between base and limit",
}));

testError("D_LQUANT_STEPSMALL: too many levels", () => ({
  source: clause("@ = lquantize(1, 0, 70000, 1);"),
  message: "line 1: lquantize( ) step (argument #4) too small: number of quantization levels must be a 16-bit quantity",
}));

testError("D_LQUANT_MATCHBASE: another base than before", () => ({
  source: clause("@ = lquantize(1, 0, 10); @ = lquantize(1, 1, 10);"),
  message: "line 1: lquantize( ) base (argument #2) doesn't match previous declaration: expected 0, found 1",
}));

testError("D_LQUANT_MATCHLIM: another limit than before", () => ({
  source: clause("@ = lquantize(1, 0, 10); @ = lquantize(1, 0, 11);"),
  message: "line 1: lquantize( ) limit (argument #3) doesn't match previous declaration: expected 10, found 11",
}));

testError("D_LQUANT_MATCHSTEP: another step than before", () => ({
  source: clause("@ = lquantize(1, 0, 10); @ = lquantize(1, 0, 10, 2);"),
  message: "line 1: lquantize( ) step (argument #4) doesn't match previous declaration: expected 1, found 2",
}));

testError("D_LLQUANT_FACTORTYPE: a factor that is no constant", () => ({
  source: clause("@ = llquantize(1, pid, 0, 2, 10);"),
  message: "line 1: llquantize( ) factor (argument #2) must be an integer constant",
}));

testError("D_LLQUANT_FACTORVAL: a factor below two", () => ({
  source: clause("@ = llquantize(1, 1, 0, 2, 10);"),
  message: "line 1: llquantize( ) factor (argument #2) must be two or more",
}));

testError("D_LLQUANT_FACTORVAL: a factor beyond 16 bits", () => ({
  source: clause("@ = llquantize(1, 65536, 0, 2, 10);"),
  message: "line 1: llquantize( ) factor (argument #2) must be an unsigned 16-bit quantity",
}));

testError("D_LLQUANT_LMAGTYPE: a low magnitude that is no constant", () => ({
  source: clause("@ = llquantize(1, 10, pid, 2, 10);"),
  message: "line 1: llquantize( ) low magnitude (argument #3) must be an integer constant",
}));

testError("D_LLQUANT_LMAGVAL: a negative low magnitude", () => ({
  source: clause("@ = llquantize(1, 10, -1, 2, 10);"),
  message: "line 1: llquantize( ) low magnitude (argument #3) must be an unsigned 16-bit quantity",
}));

testError("D_LLQUANT_HMAGTYPE: a high magnitude that is no constant", () => ({
  source: clause("@ = llquantize(1, 10, 0, pid, 10);"),
  message: "line 1: llquantize( ) high magnitude (argument #4) must be an integer constant",
}));

testError("D_LLQUANT_HMAGVAL: a high magnitude below the low one", () => ({
  source: clause("@ = llquantize(1, 10, 3, 2, 10);"),
  message: "line 1: llquantize( ) high magnitude (argument #4) must be greater than low magnitude (argument #3)",
}));

testError("D_LLQUANT_HMAGVAL: a high magnitude beyond 64 bits", () => ({
  source: clause("@ = llquantize(1, 10, 0, 19, 10);"),
  message: "line 1: llquantize( ) factor (10) raised to power of high magnitude (19) overflows 64 bits",
}));

testError("D_LLQUANT_STEPTYPE: steps that are no constant", () => ({
  source: clause("@ = llquantize(1, 10, 0, 2, pid);"),
  message: "line 1: llquantize( ) number of steps (argument #5) must be an integer constant",
}));

testError("D_LLQUANT_STEPVAL: steps that the factor does not divide", () => ({
  source: clause("@ = llquantize(1, 10, 0, 2, 15);"),
  message:
    "line 1: llquantize( ) factor (argument #2) must divide the number of linear steps per magnitude (argument #5), and that a power of the factor",
}));

testError("D_LLQUANT_STEPVAL: steps that divide no power of the factor", () => ({
  source: clause("@ = llquantize(1, 10, 0, 2, 30);"),
  message:
    "line 1: llquantize( ) factor (argument #2) must divide the number of linear steps per magnitude (argument #5), and that a power of the factor",
}));

testError("D_LLQUANT_STEPVAL: fewer steps than the factor", () => ({
  source: clause("@ = llquantize(1, 10, 0, 2, 5);"),
  message:
    "line 1: llquantize( ) factor (argument #2) must be less than or equal to the number of linear steps per magnitude (argument #5)",
}));

testError("D_LLQUANT_MATCHFACTOR: another factor than before", () => ({
  source: clause("@ = llquantize(1, 10, 0, 2, 100); @ = llquantize(1, 5, 0, 2, 25);"),
  message: "line 1: llquantize( ) factor (argument #2) doesn't match previous declaration: expected 10, found 5",
}));

testError("D_LLQUANT_MATCHLMAG: another low magnitude than before", () => ({
  source: clause("@ = llquantize(1, 10, 0, 2, 10); @ = llquantize(1, 10, 1, 2, 10);"),
  message: "line 1: llquantize( ) low magnitude (argument #3) doesn't match previous declaration: expected 0, found 1",
}));

testError("D_LLQUANT_MATCHHMAG: another high magnitude than before", () => ({
  source: clause("@ = llquantize(1, 10, 0, 2, 10); @ = llquantize(1, 10, 0, 3, 10);"),
  message: "line 1: llquantize( ) high magnitude (argument #4) doesn't match previous declaration: expected 2, found 3",
}));

testError("D_LLQUANT_MATCHSTEPS: another number of steps than before", () => ({
  source: clause("@ = llquantize(1, 10, 0, 2, 10); @ = llquantize(1, 10, 0, 2, 20);"),
  message:
    "line 1: llquantize( ) number of steps (argument #5) doesn't match previous declaration: expected 10, found 20",
}));

testError("D_TRACE_VOID: a trace of nothing", () => ({
  source: clause("trace(copyinto(arg0, 1, alloca(1)));"),
  message: "line 1: trace( ) may not be applied to a void expression",
}));

testError("D_TRACE_DYN: a trace of an aggregation", () => ({
  source: clause("@a = count(); trace(@a);"),
  message: "line 1: trace( ) may not be applied to a dynamic expression",
}));

testError("D_TRACE_DYN: a trace of a translated pointer", () => ({
  source: clause("trace(curpsinfo);"),
  message: "line 1: trace( ) may not be applied to a translated pointer",
}));

testError("D_PRINT_SIZE: print() of a pointer to what has no size", () => ({
  source: clause("print((struct nothing *)0);", "struct nothing;\n"),
  message: "line 2: print( ) argument #1 reference has type 'struct nothing' with size 0; cannot print( ) it.",
}));

testError("D_PRINT_DYN: print() of an aggregation", () => ({
  source: clause("@a = count(); print(@a);"),
  message: "line 1: print( ) may not be applied to a dynamic expression",
}));

testError("D_PRINT_VOID: a print of nothing", () => ({
  source: clause("print((void)1);"),
  message: "line 1: print( ) may not be applied to a void expression",
}));

testError("D_TRACEMEM_ADDR: the memory of a string", () => ({
  source: clause('tracemem("a", 1);'),
  message: "line 1: tracemem( ) argument #1 must be a pointer or integral type",
}));

testError("D_TRACEMEM_SIZE: no memory", () => ({
  source: clause("tracemem(arg0, 0);"),
  message: "line 1: tracemem( ) argument #2 must be a non-zero positive integral constant expression",
}));

testError("D_STACK_PROTO: too many arguments of a stack", () => ({
  source: clause("stack(1, 2);"),
  message: "line 1: stack( ) prototype mismatch: too many arguments",
}));

testError("D_STACK_SIZE: no frames", () => ({
  source: clause("stack(0);"),
  message: "line 1: stack( ) size must be a non-zero positive integral constant expression",
}));

testError("D_USTACK_PROTO: too many arguments of a user stack", () => ({
  source: clause("ustack(1, 2, 3);"),
  message: "line 1: ustack( ) prototype mismatch: too many arguments",
}));

testError("D_USTACK_FRAMES: frames that are no constant", () => ({
  source: clause("ustack(pid);"),
  message: "line 1: ustack( ) argument #1 must be a non-zero positive integer constant",
}));

testError("D_USTACK_STRSIZE: a size that is no constant", () => ({
  source: clause("ustack(1, pid);"),
  message: "line 1: ustack( ) argument #2 must be a positive integer constant",
}));

testError("D_PRINTF_ARG_FMT: a format that is no constant", () => ({
  source: clause("printf(execname);"),
  message:
    "line 1: printf( ) argument #1 is incompatible with prototype:\n\tprototype: string constant\n\t argument: string",
}));

testError("D_PRINTF_ARG_PROTO: a conversion without its value", () => ({
  source: clause('printf("%d %d", 1);'),
  message: "line 1: printf( ) prototype mismatch: conversion #2 (%d) is missing a corresponding value argument",
}));

testError("D_PRINTF_ARG_EXTRA: a value without its conversion", () => ({
  source: clause('printf("%d", 1, 2);'),
  message: "line 1: printf( ) prototype mismatch: only 1 arguments required by this format string",
}));

testError("D_PRINTF_ARG_TYPE: a number as a string", () => ({
  source: clause('printf("%s", 1);'),
  message:
    "line 1: printf( ) argument #2 is incompatible with conversion #1 prototype:\n\tconversion: %s\n\t prototype: char [] or string (or use stringof)\n\t  argument: int",
}));

testError("D_PRINTF_ARG_TYPE: a pointer as a string", () => ({
  source: clause('printf("%s", (char *)arg0);'),
  message:
    "line 1: printf( ) argument #2 is incompatible with conversion #1 prototype:\n\tconversion: %s\n\t prototype: char [] or string (or use stringof)\n\t  argument: char *",
}));

testError("D_PRINTF_ARG_TYPE: an aggregation", () => ({
  source: clause('@a = count(); printf("%d", @a);'),
  message: "line 1: printf( ) arguments may not be aggregations: @a",
}));

testError("D_PRINTF_ARG_TYPE: nothing", () => ({
  source: clause('printf("%d", (void)1);'),
  message: "line 1: printf( ) may not be applied to a void expression",
}));

testError("D_PRINTF_DYN_PROTO: a width without its value", () => ({
  source: clause('printf("%*d");'),
  message: 'line 1: printf( ) prototype mismatch: conversion #1 (%d) is missing a corresponding "*" argument',
}));

testError("D_PRINTF_DYN_TYPE: a width that is a string", () => ({
  source: clause('printf("%*d", "a", 1);'),
  message:
    "line 1: printf( ) argument #2 is incompatible with conversion #1 prototype:\n\tconversion: %*\n\t prototype: int\n\t  argument: string",
}));

testError("D_PRINTF_AGG_CONV: the value of an aggregation in printf", () => ({
  source: clause('printf("%@d", 1);'),
  message: "line 1: %@ conversion requires an aggregation and is not for use with printf( )",
}));

testError("D_PRINTF_FMT_EMPTY: an empty format", () => ({
  source: clause('printf("");'),
  message: "line 1: printf( ) format string is empty",
}));

testError("D_PRINTA_PROTO: a format without an aggregation", () => ({
  source: clause('printa("%@d");'),
  message: "line 1: printa( ) prototype mismatch: at least one aggregation is expected",
}));

testError("D_PRINTA_AGGARG: a number in place of an aggregation", () => ({
  source: clause("printa(1);"),
  message: "line 1: printa( ) argument #1 is incompatible with prototype:\n\tprototype: aggregation\n\t argument: int",
}));

testError("D_PRINTA_AGGARG: a number behind a format", () => ({
  source: clause('printa("%@d", 1);'),
  message: "line 1: printa( ) argument #2 is incompatible with prototype:\n\tprototype: aggregation\n\t argument: int",
}));

testError("D_PRINTA_AGGBAD: an aggregation that is not there", () => ({
  source: clause("printa(@a);"),
  message: "line 1: undefined aggregation: @a",
}));

testError("D_PRINTA_AGGKEY: keys of different types", () => ({
  source: clause('@a["x"] = count(); @b[1] = count(); printa("%@d %@d", @a, @b);'),
  message: "line 1: printa( ) @b and @a have keys of different types",
}));

testError("D_PRINTA_AGGPROTO: different numbers of keys", () => ({
  source: clause('@a[1] = count(); @b = count(); printa("%@d %@d", @a, @b);'),
  message: "line 1: printa( ) @b and @a have different numbers of keys",
}));

testError("D_CLEAR_PROTO: no aggregation to clear", () => ({
  source: clause("clear();"),
  message: "line 1: clear( ) prototype mismatch: 0 args passed, 1 expected",
}));

testError("D_CLEAR_AGGARG: a number to clear", () => ({
  source: clause("clear(1);"),
  message: "line 1: clear( ) argument #1 is incompatible with prototype:\n\tprototype: aggregation\n\t argument: int",
}));

testError("D_CLEAR_AGGBAD: an unknown aggregation to clear", () => ({
  source: clause("clear(@a);"),
  message: "line 1: undefined aggregation: @a",
}));

testError("D_NORMALIZE_PROTO: nothing to divide by", () => ({
  source: clause("@a = count(); normalize(@a);"),
  message: "line 1: normalize( ) prototype mismatch: 1 arg passed, 2 expected",
}));

testError("D_NORMALIZE_AGGARG: a number to normalize", () => ({
  source: clause("normalize(1, 2);"),
  message:
    "line 1: normalize( ) argument #1 is incompatible with prototype:\n\tprototype: aggregation\n\t argument: int",
}));

testError("D_NORMALIZE_AGGBAD: an unknown aggregation to normalize", () => ({
  source: clause("normalize(@a, 2);"),
  message: "line 1: undefined aggregation: @a",
}));

testError("D_NORMALIZE_SCALAR: a division by a string", () => ({
  source: clause('@a = count(); normalize(@a, "x");'),
  message: "line 1: normalize( ) argument #2 must be of scalar type",
}));

testError("D_DENORMALIZE_PROTO: no aggregation to denormalize", () => ({
  source: clause("denormalize();"),
  message: "line 1: denormalize( ) prototype mismatch: 0 args passed, 1 expected",
}));

testError("D_DENORMALIZE_AGGARG: a number to denormalize", () => ({
  source: clause("denormalize(1);"),
  message:
    "line 1: denormalize( ) argument #1 is incompatible with prototype:\n\tprototype: aggregation\n\t argument: int",
}));

testError("D_DENORMALIZE_AGGBAD: an unknown aggregation to denormalize", () => ({
  source: clause("denormalize(@a);"),
  message: "line 1: undefined aggregation: @a",
}));

testError("D_TRUNC_PROTO: too many numbers to truncate to", () => ({
  source: clause("@a = count(); trunc(@a, 1, 2);"),
  message: "line 1: trunc( ) prototype mismatch: 3 args passed, at most 2 expected",
}));

testError("D_TRUNC_AGGARG: a number to truncate", () => ({
  source: clause("trunc(1);"),
  message: "line 1: trunc( ) argument #1 is incompatible with prototype:\n\tprototype: aggregation\n\t argument: int",
}));

testError("D_TRUNC_AGGBAD: an unknown aggregation to truncate", () => ({
  source: clause("trunc(@a);"),
  message: "line 1: undefined aggregation: @a",
}));

testError("D_TRUNC_SCALAR: a string to truncate to", () => ({
  source: clause('@a = count(); trunc(@a, "x");'),
  message: "line 1: trunc( ) argument #2 must be of scalar type",
}));

testError("D_FREOPEN_INVALID: the folder itself", () => ({
  source: clause('freopen(".");'),
  message: 'line 1: freopen( ) argument #1 cannot be "."',
}));

testError("D_COMM_DREC: a commit behind a record", () => ({
  source: clause("trace(1); commit(1);"),
  message: "line 1: commit( ) may not follow data-recording action(s)",
}));

testError("D_DREC_COMM: a record behind a commit", () => ({
  source: clause("commit(1); trace(1);"),
  message: "line 1: data-recording actions may not follow commit( )",
}));

testError("D_DREC_COMM: an exit behind a commit", () => ({
  source: clause("commit(1); exit(0);"),
  message: "line 1: data-recording actions may not follow commit( )",
}));

testError("D_SPEC_SPEC: two speculations", () => ({
  source: clause("speculate(1); speculate(1);"),
  message: "line 1: speculate( ) may not follow speculate( )",
}));

testError("D_SPEC_COMM: a speculation behind a commit", () => ({
  source: clause("commit(1); speculate(1);"),
  message: "line 1: speculate( ) may not follow commit( )",
}));

testError("D_SPEC_DREC: a speculation behind a record", () => ({
  source: clause("trace(1); speculate(1);"),
  message: "line 1: speculate( ) may not follow data-recording action(s)",
}));

testError("D_AGG_COMM: an aggregation behind a commit", () => ({
  source: clause("commit(1); @ = count();"),
  message: "line 1: aggregating actions may not follow commit( )",
}));

testError("D_AGG_SPEC: an aggregation in a speculation", () => ({
  source: clause("speculate(1); @ = count();"),
  message: "line 1: aggregating actions may not follow speculate( )",
}));

testError("D_ACT_SPEC: a stop in a speculation", () => ({
  source: clause("speculate(1); stop();"),
  message: "line 1: destructive actions may not follow speculate( )",
}));

testError("D_ACT_SPEC: a copy to the program in a speculation", () => ({
  source: clause('speculate(1); copyoutstr("a", arg0, 1);'),
  message: "line 1: destructive actions may not follow speculate( )",
}));

testError("D_EXIT_SPEC: an exit in a speculation", () => ({
  source: clause("speculate(1); exit(0);"),
  message: "line 1: exit( ) may not follow speculate( )",
}));

testError("D_SPEC_DREC: a speculation behind a record in a branch", () => ({
  source: clause("if (pid) trace(1); speculate(1);"),
  message: "line 1: speculate( ) may not follow data-recording action(s)",
}));

testError("D_XLATE_SOU: a translator that makes a number", () => ({
  source: "translator int <int i> { a = i; };",
  message: "line 1: translator output type must be a struct or union: int",
}));

testError("D_XLATE_SOU: a translation to a number", () => ({
  source: clause("trace(xlate <int> (1));"),
  message: 'line 1: cannot translate to type "int"; must be a struct or union, or a pointer to one',
}));

testError("D_XLATE_NONE: a translator that is not there", () => ({
  source: clause("trace(xlate <struct s *> (pid)->a);", "struct s { int a; };\n"),
  message: 'line 2: cannot translate from "pid_t" to "struct s *"',
}));

testError("D_XLATE_NOCONV: a member that the translator leaves out", () => ({
  source: clause(
    "trace(xlate <struct s *> (pid)->b);",
    "struct s { int a; int b; };\ntranslator struct s <int i> { a = i; };\n",
  ),
  message: "line 3: translator does not define conversion for member: b",
}));

testError("D_XLATE_MEMB: a member that the output does not have", () => ({
  source: "struct s { int a; };\ntranslator struct s <int i> { b = i; };",
  message: "line 2: translator member b is not a member of struct s",
}));

testError("D_XLATE_MEMB: a member that is defined twice", () => ({
  source: "struct s { int a; };\ntranslator struct s <int i> { a = i; a = i; };",
  message: "line 2: translator member a is defined twice",
}));

testError("D_XLATE_INCOMPAT: a member of another type", () => ({
  source: "struct s { int a; };\ntranslator struct s <int i> { a = execname; };",
  message: 'line 2: translator member a definition uses incompatible types: "int" = "string"',
}));

testError("D_XLATE_REDECL: a translator that is there already", () => ({
  source: "struct s { int a; };\ntranslator struct s <int i> { a = i; };\ntranslator struct s <int j> { a = j; };",
  message: "line 3: translator from int to struct s has been previously declared",
}));

testError("D_DECL_CLASS: two storage classes", () => ({
  source: "self this int x;",
  message: "line 1: only one storage class allowed in a declaration",
}));

testError("D_DECL_BADCLASS: a storage class that D does not have", () => ({
  source: "static int x;",
  message: "line 1: specified storage class not appropriate in D",
}));

testError("D_DECL_BADCLASS: the storage class of an inline", () => ({
  source: "inline self int x = 1;",
  message: "line 1: specified storage class not appropriate in D",
}));

testError("D_DECL_PARMCLASS: the storage class of a parameter", () => ({
  source: "int x[self int];",
  message: "line 1: inappropriate storage class or function parameter",
}));

testError("D_DECL_MEMBCLASS: the storage class of a member", () => ({
  source: "struct s { self int a; };",
  message: "line 1: storage class may not be used in the declaration of a member",
}));

testError("D_DECL_COMBO: two types", () => ({
  source: "int char x;",
  message: "line 1: invalid type combination",
}));

testError("D_DECL_COMBO: a structure without its semicolon", () => ({
  source: "struct s { int a; }\nstruct t { int b; };",
  message: "line 1: invalid type combination",
}));

testError("D_DECL_CHARATTR: a long char", () => ({
  source: "long char x;",
  message: "line 1: invalid type declaration: short and long may not be used with char type",
}));

testError("D_DECL_VOIDATTR: an unsigned nothing", () => ({
  source: "unsigned void *x;",
  message: "line 1: invalid type declaration: attributes may not be used with void type",
}));

testError("D_DECL_SIGNINT: an unsigned float", () => ({
  source: "unsigned float x;",
  message: "line 1: invalid type declaration: signed and unsigned may only be used with integer type",
}));

testError("D_DECL_LONGINT: a long float", () => ({
  source: "long float x;",
  message: "line 1: invalid type declaration: long and long long may only be used with integer or floating-point type",
}));

testError("D_DECL_VOIDOBJ: a variable that is nothing", () => ({
  source: "void x;",
  message: "line 1: cannot declare void object: x",
}));

testError("D_DECL_VOIDOBJ: a member that is nothing", () => ({
  source: "struct s { void a; };",
  message: "line 1: cannot have void member: a",
}));

testError("D_DECL_USELESS: a declaration of nothing", () => ({
  source: "int;",
  message: "line 1: useless declaration",
}));

testError("D_DECL_IDRED: a variable with another type", () => ({
  source: "int x;\nchar x;",
  message: "line 2: identifier redeclared: x\n\t current: char x\n\tprevious: int x",
}));

testError("D_DECL_IDRED: a thread's variable with another type", () => ({
  source: "self int x;\nself char x;",
  message: "line 2: identifier redeclared: self->x\n\t current: char x\n\tprevious: int x",
}));

testError("D_DECL_IDRED: a built-in variable", () => ({
  source: "int pid;",
  message: "line 1: identifier redeclared: pid\n\t current: int pid\n\tprevious: built-in pid",
}));

testError("D_DECL_IDRED: an enumerator that is there already", () => ({
  source: "enum a { X };\nenum b { X };",
  message: "line 2: identifier redeclared: X\n\t current: enumerator X\n\tprevious: enumerator X",
}));

testError("D_DECL_TYPERED: a structure that is there already", () => ({
  source: "struct s { int a; };\nstruct s { int b; };",
  message: "line 2: type redeclared: struct s",
}));

testError("D_DECL_TYPERED: a typedef that is there already", () => ({
  source: "typedef int t;\ntypedef char t;",
  message: "line 2: type redeclared: t",
}));

testError("D_DECL_SCOPE: a name with a scoping operator", () => ({
  source: "int a`b;",
  message: "line 1: D scoping operator may not be used in a declaration: a`b",
}));

testError("D_DECL_LOCASSC: an associative array of a clause", () => ({
  source: "this int x[int];",
  message: "line 1: cannot declare clause-local associative array: this->x",
}));

testError("D_DECL_INCOMPLETE: a variable of a forward declaration", () => ({
  source: "struct s x;",
  message: "line 1: incomplete struct s: x",
}));

testError("D_DECL_INCOMPLETE: a member of the structure itself", () => ({
  source: "struct s { struct s a; };",
  message: "line 1: incomplete struct s: a",
}));

testError("D_DECL_FUNCTYPE: a function", () => ({
  source: "int f(int);",
  message: "line 1: cannot declare function in D: f",
}));

testError("D_DECL_FUNCTYPE: a member that is a function", () => ({
  source: "struct s { int f(int); };",
  message: "line 1: cannot have function as a member: f",
}));

testError("D_DECL_FUNCRET: a function that returns an array", () => ({
  source: "struct s { int (*g)(int)[2]; };",
  message: "line 1: function may not return array type: int [2]",
}));

testError("D_DECL_ARRNULL: an array without a size", () => ({
  source: "int x[];",
  message: "line 1: array declaration requires array dimension or tuple signature: x",
}));

testError("D_DECL_ARRSUB: an array of minus one", () => ({
  source: "int x[-1];",
  message: "line 1: positive integral constant expression or tuple signature expected as array declaration subscript",
}));

testError("D_DECL_ARRBIG: an array beyond 31 bits", () => ({
  source: "int x[0x80000000];",
  message: "line 1: array size is too big: 2147483648",
}));

testError("D_DECL_ARRTYPE: an array of nothing", () => ({
  source: "void x[2];",
  message: "line 1: cannot declare array of void type",
}));

testError("D_DECL_PROTO_TYPE: nothing as the type of a key", () => ({
  source: "int x[void];",
  message: "line 1: void may not be the type of a key of an associative array",
}));

testError("D_DECL_PROTO_VOID: nothing among parameters", () => ({
  source: "struct s { int (*f)(int, void); };",
  message: "line 1: void must be the sole parameter in a function declaration",
}));

testError("D_DECL_PROTO_VARARGS: any number of keys", () => ({
  source: "int x[int, ...];",
  message: "line 1: x[ ] prototype may not use a variable-length argument list",
}));

testError("D_DECL_PROTO_NAME: a parameter of an inline without a name", () => ({
  source: "inline int f[int] = 1;",
  message: "line 1: f[ ] parameter #1 must have a name",
}));

testError("D_DECL_ENCONST: an enumerator that is no constant", () => ({
  source: "enum e { X = pid };",
  message: "line 1: enumerator 'X' must be assigned to an integral constant expression",
}));

testError("D_DECL_ENOFLOW: an enumerator beyond 32 bits", () => ({
  source: "enum e { X = 0x7fffffff, Y };",
  message: "line 1: enumerator 'Y' value overflows INT_MAX (2147483647)",
}));

testError("D_DECL_BFCONST: a bit-field of no bits", () => ({
  source: "struct s { int a : 0; };",
  message: "line 1: positive integral constant expression expected as bit-field size",
}));

testError("D_DECL_BFTYPE: a bit-field of a pointer", () => ({
  source: "struct s { char *a : 3; };",
  message: "line 1: invalid type for bit-field: a",
}));

testError("D_DECL_BFSIZE: a bit-field of more bits than its type has", () => ({
  source: "struct s { char a : 9; };",
  message: "line 1: bit-field too big for type: a",
}));

testError("D_PROV_BADNAME: a provider whose name ends in a digit", () => ({
  source: "provider p1 { probe a(); };",
  message: "line 1: provider name may not end with a digit: p1",
}));

testError("D_PROV_NAME: the name of a provider that is too long", () => ({
  source: `provider ${"p".repeat(64)} { probe a(); };`,
  message:
    "line 1: provider name may not exceed 63 characters: pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp",
}));

testError("D_PROV_PRNAME: the name of a probe that is too long", () => ({
  source: `provider p { probe ${"a".repeat(128)}(); };`,
  message:
    "line 1: probe name may not exceed 127 characters: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
}));

testError("D_PROV_PRDUP: a probe that is declared twice", () => ({
  source: "provider p { probe a(); probe a(); };",
  message: "line 1: probe p:::a has been declared twice",
}));

testError("D_PRAGMA_INVAL: a pragma that D does not know", () => ({
  source: "#pragma D foo\nBEGIN { trace(1); }",
  message: "line 1: invalid D pragma: foo",
}));

testError("D_PRAGMA_INVAL: attributes that are none", () => ({
  source: "#pragma D attributes Foo/Bar/Baz x\nBEGIN { trace(1); }",
  message: "line 1: invalid attributes: Foo/Bar/Baz",
}));

testError("D_PRAGMA_INVAL: a class of dependencies that is none", () => ({
  source: "#pragma D depends_on foo bar\nBEGIN { trace(1); }",
  message: "line 1: invalid class foo specified by #pragma depends_on",
}));

testError("D_PRAGMA_INVAL: a version that is none", () => ({
  source: '#pragma D binding "one" x\nBEGIN { trace(1); }',
  message: 'line 1: invalid version: "one"',
}));

testError("D_PRAGMA_INVAL: an unknown part of a provider", () => ({
  source: "#pragma D attributes Stable/Stable/Common provider p foo\nBEGIN { trace(1); }",
  message: "line 1: invalid provider attribute: foo",
}));

testError("D_PRAGMA_MALFORM: an option without a name", () => ({
  source: "#pragma D option\nBEGIN { trace(1); }",
  message: "line 1: malformed #pragma option: <option>=<value> expected",
}));

testError("D_PRAGMA_MALFORM: more than an option", () => ({
  source: "#pragma D option nspec=24 * 8\nBEGIN { trace(1); }",
  message: "line 1: superfluous arguments specified for #pragma option",
}));

testError("D_PRAGMA_MALFORM: attributes without an identifier", () => ({
  source: "#pragma D attributes Stable/Stable/Common\nBEGIN { trace(1); }",
  message: "line 1: malformed #pragma attributes <attributes> <identifier> expected",
}));

testError("D_PRAGMA_MALFORM: a binding without an identifier", () => ({
  source: '#pragma D binding "1.0"\nBEGIN { trace(1); }',
  message: 'line 1: malformed #pragma binding "version" <identifier> expected',
}));

testError("D_PRAGMA_MALFORM: a dependency without a name", () => ({
  source: "#pragma D depends_on library\nBEGIN { trace(1); }",
  message: "line 1: malformed #pragma depends_on <class> <name> expected",
}));

testError("D_PRAGMA_MALFORM: a pragma without a name", () => ({
  source: "#pragma D\nBEGIN { trace(1); }",
  message: "line 1: malformed #pragma D: name expected",
}));

testError("D_PRAGMA_MALFORM: a line without a number", () => ({
  source: "#line x\nBEGIN { trace(1); }",
  message: "line 1: malformed #line: line number expected",
}));

testError("D_PRAGMA_OPTSET: an option that the caller refuses", () => ({
  source: "#pragma D option foo=1\nBEGIN { trace(1); }",
  message: "line 1: failed to set option 'foo' to '1': Invalid option name",
  context: { optionProblem: () => "Invalid option name" },
}));

testError("D_PRAGMA_OPTSET: a size that is none", () => ({
  source: "#pragma D option strsize=big\nBEGIN { trace(1); }",
  message: "line 1: failed to set option 'strsize' to 'big': Invalid value for specified option",
}));

testError("D_PRAGMA_SCOPE: attributes of a provider that is not there", () => ({
  source: "#pragma D attributes Stable/Stable/Common provider p args\nBEGIN { trace(1); }",
  message: "line 1: #pragma attributes: provider p is not defined",
}));

testError("D_PRAGMA_UNUSED: attributes of a name that is not there", () => ({
  source: "#pragma D attributes Stable/Stable/Common foo\nBEGIN { trace(1); }",
  message: "line 1: unused #pragma attributes",
}));

testError("D_PRAGMA_DEPEND: a program that depends on a library", () => ({
  source: "#pragma D depends_on library foo.d\nBEGIN { trace(1); }",
  message: "line 1: main program may not explicitly depend on a library",
}));

testError("D_PRAGERR: an error that the program asks for", () => ({
  source: "#error not here\nBEGIN { trace(1); }",
  message: "line 1: #error: not here",
}));

testError("D_PRAGERR: an error that a pragma of D asks for", () => ({
  source: "#pragma D error not here\nBEGIN { trace(1); }",
  message: "line 1: #error: not here",
}));

testError("D_PRAGERR: an error that a pragma asks for", () => ({
  source: "#pragma error not here\nBEGIN { trace(1); }",
  message: "line 1: #error: not here",
}));

testError("D_PRAGCTL_INVAL: a directive of the preprocessor", () => ({
  source: "#define X 1\nBEGIN { trace(X); }",
  message: "line 1: invalid control directive: #define",
}));
