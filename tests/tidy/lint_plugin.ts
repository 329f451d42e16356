/**
 * The house rules that can be read off the syntax tree; `deno lint` runs them with its own.
 *
 * - `fasttrap/layers`: a module imports only from layers below its own (the table {@linkcode LAYERS}), and nothing that
 *   is not in this repository or built into the runtime.
 * - `fasttrap/pure`: a pure layer does not use `Deno`, so that it can be tested with bytes alone.
 * - `fasttrap/process-wide`: only `cli.ts` reads the arguments, prints, and ends the process; the library of a program
 *   must not.
 * - `fasttrap/one-library`: only `ffi/ffi.ts` opens the shared library.
 * - `fasttrap/function-lines`: a function has 70 lines or fewer.
 * - `fasttrap/bigint`: `bigint` is 28 times slower than a pair of halves, so that only functions that say it in their name
 *   deal with it (the files of {@linkcode BIGINT_ALLOWED} apart).
 * - `fasttrap/errors`: nothing throws a plain `Error`.
 * - `fasttrap/vocabulary`: DTrace's nouns, one each; there are no hooks and no breakpoints here, but probes and tracepoints.
 *
 * Tests, benchmarks and the build scripts are not part of the library: only implementation code is checked.
 *
 * @module
 */

const ROOT = new URL("../../", import.meta.url);
const FUNCTION_LINES_MAX = 70;

/** What a layer may import besides itself, and whether it must do without `Deno`. */
interface Layer {
  readonly below: readonly string[];
  readonly pure: boolean;
}

const BOTTOM = ["lib"];
const DESCRIPTIONS = [...BOTTOM, "lib/d", "lib/isa", "lib/object", "lib/spec", "ffi"];

/** The layers, from the bottom up, by folder; the empty name is the root folder with `mod.ts` and `cli.ts`. */
const LAYERS: Readonly<Record<string, Layer>> = {
  "lib": { below: [], pure: true },
  "lib/isa": { below: BOTTOM, pure: true },
  "lib/object": { below: BOTTOM, pure: true },
  "lib/spec": { below: BOTTOM, pure: true },
  "lib/d": { below: [...BOTTOM, "lib/spec"], pure: true },
  "ffi": { below: BOTTOM, pure: false },
  "lib/process": { below: DESCRIPTIONS, pure: false },
  "lib/fasttrap": { below: [...DESCRIPTIONS, "lib/process"], pure: false },
  "lib/session": { below: [...DESCRIPTIONS, "lib/process", "lib/fasttrap"], pure: false },
  "lib/consumer": { below: [...DESCRIPTIONS, "lib/process", "lib/fasttrap", "lib/session"], pure: true },
  "lib/command": {
    below: [...DESCRIPTIONS, "lib/process", "lib/fasttrap", "lib/session", "lib/consumer"],
    pure: false,
  },
  "": {
    below: [...DESCRIPTIONS, "lib/process", "lib/fasttrap", "lib/session", "lib/consumer", "lib/command"],
    pure: false,
  },
};

/** Scripts that build the project; they live beside what they build. */
const SCRIPTS = new Set(["ffi/build.ts", "ffi/bundle.ts"]);
const LIBRARY_OPENER = "ffi/ffi.ts";
const COMMAND = "cli.ts";

/** Files that use `bigint`, and why. */
const BIGINT_ALLOWED: Readonly<Record<string, string>> = {
  "ffi/ffi.ts": "Deno passes size_t as bigint",
  "lib/object/symbol_order.ts": "a BigUint64Array sorts pairs of halves natively, without a bigint for each",
};

/** Where a module belongs. */
interface Place {
  /** The path from the root of the repository, such as `lib/isa/isa.ts`. */
  readonly path: string;
  /** The key of {@linkcode LAYERS}. */
  readonly name: string;
  readonly layer: Layer;
}

/** Finds the layer of a module; `undefined` if it is not implementation code. */
function placeOf(url: URL): Place | undefined {
  if (!url.href.startsWith(ROOT.href)) return undefined;
  const path = url.href.slice(ROOT.href.length);
  if (SCRIPTS.has(path)) return undefined;
  const folders = path.split("/").slice(0, -1);
  const name = folders.slice(0, folders[0] === "lib" ? 2 : 1).join("/");
  const layer = LAYERS[name];
  return layer && { path, name, layer };
}

/** Finds the layer of the module under check. */
function placeOfFile(context: Deno.lint.RuleContext): Place | undefined {
  return placeOf(new URL(context.filename, ROOT));
}

/** Says what is wrong with an import; `undefined` if nothing is. */
function importProblem(place: Place, specifier: string): string | undefined {
  if (specifier === "@std/assert") return "@std/assert is for tests; implementation code asserts with lib/errors.ts";
  if (specifier.startsWith("node:")) {
    return place.layer.pure ? `${place.name} is pure and does not use ${specifier}` : undefined;
  }
  if (!specifier.startsWith(".")) return `The library has no dependencies; it cannot import ${specifier}`;
  const target = placeOf(new URL(specifier, new URL(place.path, ROOT)));
  if (target === undefined) return `${specifier} is not implementation code`;
  if (target.name === place.name || place.layer.below.includes(target.name)) return undefined;
  return `${place.name || place.path} cannot import ${target.name || target.path}: imports point to lower layers`;
}

const layers: Deno.lint.Rule = {
  create(context) {
    const place = placeOfFile(context);
    if (place === undefined) return {};
    const check = (source: Deno.lint.Expression | Deno.lint.StringLiteral | null | undefined) => {
      if (source?.type !== "Literal" || typeof source.value !== "string") return;
      const message = importProblem(place, source.value);
      if (message !== undefined) context.report({ node: source, message });
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
    };
  },
};

/** The name of a member, as in `Deno.args` or `Deno["args"]`. */
function memberName(node: Deno.lint.MemberExpression): string | undefined {
  if (!node.computed) return node.property.type === "Identifier" ? node.property.name : undefined;
  return node.property.type === "Literal" ? String(node.property.value) : undefined;
}

/** Makes a rule about uses of `Deno` and `console`; `problem` gets the module, the object and the member. */
function globalRule(problem: (place: Place, object: string, member: string) => string | undefined): Deno.lint.Rule {
  return {
    create(context) {
      const place = placeOfFile(context);
      if (place === undefined) return {};
      return {
        MemberExpression(node) {
          if (node.object.type !== "Identifier") return;
          const message = problem(place, node.object.name, memberName(node) ?? "");
          if (message !== undefined) context.report({ node, message });
        },
      };
    },
  };
}

const pure = globalRule((place, object) =>
  place.layer.pure && object === "Deno" ? `${place.name} is pure and does not use Deno` : undefined
);

const processWide = globalRule((place, object, member) => {
  const processWideUse = object === "console" || (object === "Deno" && (member === "args" || member === "exit"));
  if (!processWideUse || place.path === COMMAND) return undefined;
  return `Only ${COMMAND} reads the arguments, prints, and ends the process`;
});

const oneLibrary = globalRule((place, object, member) =>
  object === "Deno" && member === "dlopen" && place.path !== LIBRARY_OPENER
    ? `Only ${LIBRARY_OPENER} opens the shared library`
    : undefined
);

const functionLines: Deno.lint.Rule = {
  create(context) {
    if (placeOfFile(context) === undefined) return {};
    const check = (node: Deno.lint.Node) => {
      const lines = context.sourceCode.getText(node).split("\n").length;
      if (lines <= FUNCTION_LINES_MAX) return;
      context.report({ node, message: `A function of ${lines} lines; the limit is ${FUNCTION_LINES_MAX}` });
    };
    return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
  },
};

/** Whether a node of the tree is a function or method whose name says that it is about `bigint`. */
function isBigIntFunction(node: Deno.lint.Node): boolean {
  const name = node.type === "FunctionDeclaration"
    ? node.id
    : node.type === "MethodDefinition" || node.type === "TSMethodSignature"
    ? node.key
    : undefined;
  return name?.type === "Identifier" && name.name.includes("BigInt");
}

const bigint: Deno.lint.Rule = {
  create(context) {
    const place = placeOfFile(context);
    if (place === undefined || Object.hasOwn(BIGINT_ALLOWED, place.path)) return {};
    const check = (node: Deno.lint.Node) => {
      if (context.sourceCode.getAncestors(node).some(isBigIntFunction)) return;
      context.report({ node, message: "bigint belongs into functions that say BigInt in their name" });
    };
    return {
      TSBigIntKeyword: check,
      Literal: (node) => {
        if (typeof node.value === "bigint") check(node);
      },
      Identifier: (node) => {
        if (/^(BigInt|BigInt64Array|BigUint64Array|getBig|setBig)/.test(node.name)) check(node);
      },
    };
  },
};

const errors: Deno.lint.Rule = {
  create(context) {
    if (placeOfFile(context) === undefined) return {};
    const check = (node: Deno.lint.NewExpression | Deno.lint.CallExpression) => {
      if (node.callee.type !== "Identifier" || node.callee.name !== "Error") return;
      context.report({ node, message: "A plain Error says nothing; see lib/errors.ts for the classes" });
    };
    return { NewExpression: check, CallExpression: check };
  },
};

const vocabulary: Deno.lint.Rule = {
  create(context) {
    if (placeOfFile(context) === undefined) return {};
    return {
      Identifier(node) {
        const word = /hook|breakpoint/i.exec(node.name)?.[0];
        if (word !== undefined) context.report({ node, message: `Not "${word}": probe, tracepoint, or enabling` });
      },
    };
  },
};

const plugin: Deno.lint.Plugin = {
  name: "fasttrap",
  rules: {
    layers,
    pure,
    "process-wide": processWide,
    "one-library": oneLibrary,
    "function-lines": functionLines,
    bigint,
    errors,
    vocabulary,
  },
};

export default plugin;
