/**
 * DTrace's words for how much one may rely on a probe: its stability, and the class of systems that it depends on.
 *
 * An attribute is a triple: how stable the name is, how stable the data behind it are, and on what they depend. It is
 * written `Evolving/Evolving/ISA`. The words and their order are those of the chapter "Stability" of the DTrace
 * Guide; the place of a word in its list is the number that DTrace Object Format stores for it.
 *
 * @module
 */

/** The levels of stability, from what nobody may rely on to what a standard promises. */
export const STABILITIES = [
  "Internal",
  "Private",
  "Obsolete",
  "External",
  "Unstable",
  "Evolving",
  "Stable",
  "Standard",
] as const;

/** The classes of what something depends on, from the unknown to what all systems have in common. */
export const DEPENDENCY_CLASSES = ["Unknown", "CPU", "Platform", "Group", "ISA", "Common"] as const;

/** A level of stability. */
export type Stability = typeof STABILITIES[number];

/** What something depends on. */
export type DependencyClass = typeof DEPENDENCY_CLASSES[number];

/** How much one may rely on a part of a probe. */
export interface Attributes {
  /** The stability of the name. */
  readonly name: Stability;
  /** The stability of the data. */
  readonly data: Stability;
  /** What both depend on. */
  readonly class: DependencyClass;
}

/**
 * Writes attributes as DTrace does.
 *
 * @param attributes The attributes.
 * @returns The three words with slashes between them, such as `Evolving/Evolving/ISA`.
 */
export function formatAttributes(attributes: Attributes): string {
  return `${attributes.name}/${attributes.data}/${attributes.class}`;
}

/**
 * Reads attributes, whatever the case of their letters.
 *
 * @param text Such as `Evolving/Evolving/ISA`.
 * @returns The attributes; undefined if these are no three words of them.
 */
export function parseAttributes(text: string): Attributes | undefined {
  const find = <T extends string>(words: readonly T[], word: string | undefined): T | undefined =>
    words.find((known) => known.toLowerCase() === word?.toLowerCase());
  const [first, second, third, ...rest] = text.split("/");
  const [name, data] = [find(STABILITIES, first), find(STABILITIES, second)];
  const dependency = find(DEPENDENCY_CLASSES, third);
  if (name === undefined || data === undefined || dependency === undefined || rest.length > 0) return undefined;
  return { name, data, class: dependency };
}

/**
 * Tells whether attributes promise less than others: the first word counts that differs.
 *
 * @param attributes The attributes.
 * @param wanted What is wanted.
 * @returns Whether they are less.
 */
export function isLess(attributes: Attributes, wanted: Attributes): boolean {
  const order = STABILITIES.indexOf(attributes.name) - STABILITIES.indexOf(wanted.name) ||
    STABILITIES.indexOf(attributes.data) - STABILITIES.indexOf(wanted.data) ||
    DEPENDENCY_CLASSES.indexOf(attributes.class) - DEPENDENCY_CLASSES.indexOf(wanted.class);
  return order < 0;
}

/**
 * Finds what one may rely on where several names meet: the least of each word.
 *
 * @param all The attributes, one at least.
 * @returns The minimum.
 */
export function minimumAttributes(all: readonly Attributes[]): Attributes {
  const least = <T>(words: readonly T[], values: readonly T[]): T =>
    words[Math.min(...values.map((value) => words.indexOf(value)))]!;
  return {
    name: least(STABILITIES, all.map(({ name }) => name)),
    data: least(STABILITIES, all.map(({ data }) => data)),
    class: least(DEPENDENCY_CLASSES, all.map((attributes) => attributes.class)),
  };
}

/**
 * Reads attributes that are stored by number.
 *
 * Some producers of DOF store a class beyond the list. DTrace takes it for whatever is greatest, as the kernels do when
 * they cap the class of a provider; a stability beyond the list promises nothing.
 *
 * @param numbers The places of the three words in their lists.
 * @returns The attributes.
 */
export function attributesOf(numbers: { name: number; data: number; class: number }): Attributes {
  return {
    name: STABILITIES[numbers.name] ?? "Internal",
    data: STABILITIES[numbers.data] ?? "Internal",
    class: DEPENDENCY_CLASSES[numbers.class] ?? "Common",
  };
}
