/**
 * Which Objective-C methods a description means.
 *
 * The probes of the provider `objc` have a class in place of the module and a method in place of the function:
 *
 * | description | means |
 * | --- | --- |
 * | `objc$target:Counter:-add?to?:entry` | the instance method `add:to:` of `Counter` |
 * | `objc$target:Counter:+*:entry` | the class methods of `Counter` |
 * | `objc$target:Counter(Extra)::entry` | the methods of its category `Extra` |
 * | `objc$target:Counter(*)::entry` | those of all its categories |
 * | `objc$target::count:entry` | the methods `count` of all classes, of instances and of classes |
 *
 * Fields end at colons, so that `?` stands for the colons of a selector; names are printed with them. A name that begins
 * with neither `-` nor `+`, nor with a glob, means both kinds.
 *
 * @module
 */

import { compileGlob, type GlobMatcher } from "./glob.ts";

/** A method as it is called in descriptions. */
export interface MethodName {
  /** Its class, with the category in parentheses if it has one. */
  readonly className: string;
  /** `-` or `+`, and its selector. */
  readonly name: string;
}

/**
 * Compiles the module and the function of a description of the provider `objc`.
 *
 * @example Methods of instances
 * ```ts
 * import { assert } from "@std/assert";
 *
 * const matches = compileMethodPattern({ module: "Counter*", function: "-add?*" });
 * assert(matches({ className: "Counter(Extra)", name: "-add:to:" }));
 * assert(!matches({ className: "Counter", name: "+add:to:" }));
 * ```
 *
 * @param description The fields, each a glob.
 * @returns A function that tells whether a method is meant.
 * @throws {SyntaxError} If a field is a malformed glob.
 */
export function compileMethodPattern(
  description: { readonly module: string; readonly function: string },
): (method: MethodName) => boolean {
  const matchesClass: GlobMatcher = compileGlob(description.module);
  const matchesName: GlobMatcher = compileGlob(description.function);
  const bothKinds = /^[\w$]/.test(description.function);
  return ({ className, name }) => matchesClass(className) && matchesName(bothKinds ? name.slice(1) : name);
}

/**
 * Guesses the method that GCC has made a function of. Each colon of the selector has become `_`, which may have been an
 * underscore as well: colons are more frequent.
 *
 * @param symbol The function's name: `_i_Counter__add_to_`.
 * @returns The method; undefined if it is none.
 */
export function demangleMethod(symbol: string): MethodName | undefined {
  const match = /^_([ic])_([A-Za-z]\w*?)_([A-Za-z]\w*?)?_(\w+)$/.exec(symbol);
  if (match === null) return undefined;
  const [, kind, owner, category, selector] = match;
  return {
    className: category === undefined ? owner! : `${owner}(${category})`,
    name: (kind === "i" ? "-" : "+") + selector!.replaceAll("_", ":"),
  };
}
