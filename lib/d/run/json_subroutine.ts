/**
 * `json(text, "a.b[2].c")`: an element of a JSON document.
 *
 * What is found is given as it stands in the document: of a string what is between its quotes, of an object or an array
 * all of it. A document that is no JSON, and an element that is not there, are NULL.
 *
 * @module
 */

const WHITE = /[ \t\n\r]*/y;
const STRING = /"((?:[^"\\]|\\.)*)"/y;
const SCALAR = /-?\d[-+.eE\d]*|true|false|null/y;

/**
 * Finds an element.
 *
 * @param text The document, a character for each byte.
 * @param selector Names and indices: `name.name[0]`.
 * @returns The element; undefined if there is none.
 */
export function findJson(text: string, selector: string): string | undefined {
  const steps = [...selector.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([step, index]) =>
    index === undefined ? step : Number(index)
  );
  return new Scanner(text).find(steps);
}

/** Reads a document from its beginning. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Goes to an element of the value that is here. */
  find(steps: readonly (string | number)[]): string | undefined {
    const [step, ...rest] = steps;
    if (step === undefined) return this.#value();
    if (!this.#takes(typeof step === "string" ? "{" : "[")) return undefined;
    for (let index = 0; !this.#takes("}") && !this.#takes("]"); index++) {
      let key: string | number | undefined = index;
      if (typeof step === "string") {
        key = this.#match(STRING)?.[1];
        if (key === undefined || !this.#takes(":")) return undefined;
      }
      if (key === step) return this.find(rest);
      if (this.#value() === undefined) return undefined;
      this.#takes(",");
    }
    return undefined;
  }

  /** Reads over a value. */
  #value(): string | undefined {
    const string = this.#match(STRING);
    if (string !== undefined) return string[1];
    const scalar = this.#match(SCALAR);
    if (scalar !== undefined) return scalar[0];
    const begin = this.#at;
    const isObject = this.#takes("{");
    if (!isObject && !this.#takes("[")) return undefined;
    while (!this.#takes(isObject ? "}" : "]")) {
      if (isObject && (this.#match(STRING) === undefined || !this.#takes(":"))) return undefined;
      if (this.#value() === undefined) return undefined;
      this.#takes(",");
    }
    return this.#text.slice(begin, this.#at).trimStart();
  }

  #takes(character: string): boolean {
    this.#match(WHITE);
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #match(expression: RegExp): RegExpExecArray | undefined {
    if (expression !== WHITE) this.#match(WHITE);
    expression.lastIndex = this.#at;
    const match = expression.exec(this.#text);
    if (match === null) return undefined;
    this.#at = expression.lastIndex;
    return match;
  }
}
