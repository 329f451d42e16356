import { assert, assertEquals } from "@std/assert";
import { compileProgram } from "../../lib/d/compile.ts";
import { typeName } from "../../lib/d/type_name.ts";
import { TypeTable } from "../../lib/d/type_table.ts";

Deno.test("typeName() writes types as C declares them", () => {
  const names = [
    "int",
    "unsigned int",
    "unsigned long long",
    "char *",
    "const char *",
    "char **",
    "struct s",
    "struct s *",
    "union u *",
    "enum e",
    "uint8_t",
    "size_t *",
    "int (*)[4]",
    "int *(*)[4]",
    "int (*)(int, char *)",
    "void (*)(const char *, ...)",
    "struct s (*(*)(int))[2]",
    "string",
    "string *",
    "float *",
    "long double *",
  ];
  const declarations = "struct s { int a; };\nunion u { int a; };\nenum e { A };\n";
  const clauses = names.map((name) =>
    `BEGIN { print(*(${name.replace(/^([^(]*)$/, "$1 *").replace("(*)", "(**)")})arg0); }`
  );
  const program = compileProgram(declarations + clauses.join("\n"), { isFile: true });
  const found = program.clauses.map(({ statements: [statement] }) => {
    assert(statement?.kind === "print");
    return typeName(statement.value.type);
  });
  assertEquals(found, names);
});

Deno.test("typeName() writes types without names", () => {
  const [clause] = compileProgram(
    "struct s { int a[4]; struct { int b; } c; };\nBEGIN { p = (struct s *)arg0; print(p->a); print(p->c); }",
    {
      isFile: true,
    },
  ).clauses;
  const found = clause!.statements.slice(1).map((statement) => {
    assert(statement.kind === "print");
    return typeName(statement.value.type);
  });
  assertEquals(found, ["int [4]", "struct (anon)"]);
});

Deno.test("TypeTable.named() finds types by the names that programs give their arguments", () => {
  const types = new TypeTable();
  const names = [
    "int",
    "long unsigned int",
    "const char *",
    "struct stat *",
    "uint32_t",
    "void **",
    "nothing_t",
    "int[2]",
  ];
  assertEquals(
    names.map((name) => {
      const type = types.named(name, false);
      return type && typeName(type);
    }),
    ["int", "unsigned long", "char *", "struct stat *", "uint32_t", "void **", undefined, undefined],
  );
});
