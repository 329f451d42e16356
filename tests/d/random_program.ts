/**
 * D programs that nobody has thought of: valid ones of random clauses, about the calls of `take()` and `give()` that
 * `targets/captures.c` makes with a string and its number.
 *
 * What they print does not depend on where the program's memory is, nor on the time, so that two runs print the same.
 */

/** Gives whole numbers below a bound. */
type Random = (bound: number) => number;

/** A probe, and what its hits have that is the same in each run. */
interface KnownProbe {
  readonly name: string;
  readonly numbers: readonly string[];
  readonly texts: readonly string[];
}

const TEXTS = ["copyinstr(arg0)", "copyinstr(arg0, 9)", "stringof(copyin(arg0, 6))", "stringof((userland char *)arg0)"];
const BYTES = [
  "*(uint64_t *)copyin(arg0, 8)",
  "*(userland int *)(arg0 + 2)",
  "((char *)copyin(arg0, 8))[3]",
  "*(int16_t *)copyin(arg0 + 1, 2)",
];
const PROBES: readonly KnownProbe[] = [
  { name: "pid$target:a.out:take:entry", numbers: ["arg1", ...BYTES], texts: TEXTS },
  { name: "pid$target:a.out:give:entry", numbers: ["arg1", ...BYTES], texts: TEXTS },
  { name: "pid$target:a.out:take:return", numbers: ["arg1", "(arg0 > 0)"], texts: [] },
  {
    name: "pid$target:a.out:give:return",
    numbers: ["*(uint64_t *)copyin(arg1, 8)", "(arg1 != 0)"],
    texts: ["copyinstr(arg1)", "stringof((userland char *)arg1)"],
  },
];
/** What any hit has; the last two stop the thread. */
const NUMBERS = [
  ...["total", "self->n", "this->n", "seen[tid == pid, probename]", "by[self->s]", "pid == $target", "self->n++"],
  ...["epid", '(probefunc == "take")', "strlen(self->s)", 'index(self->s, "b")', "--total", "ustackdepth > 2", "errno"],
];
const WORDS = ["self->s", "this->s", "name", "probefunc", "probename", "execname", '"number"', '"a b"', '""'];
const LITERALS = ["0", "1", "2", "3", "7", "64", "-1", "255", "4096", "0x7fffffff", "0x80000000", "0xffffffffffffffff"];
const BINARY = ["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "<", "<=", ">", ">=", "==", "!=", "&&", "||", "^^"];
const TYPES = ["int8_t", "uint8_t", "int16_t", "uint16_t", "int", "uint32_t", "int64_t", "uint64_t", "char"];
const FUNCTIONS = ["count()", "sum", "avg", "min", "max", "stddev", "quantize", "lquantize", "llquantize"];
const DEPTH = 3;

/** Makes one program after the other. */
export class RandomProgram {
  readonly #random: Random;
  #probes: readonly KnownProbe[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** A program, with all declarations that it needs, whose errors are printed as well. */
  make(): string {
    const clauses = Array.from({ length: 1 + this.#random(5) }, () => this.#clause());
    return `int64_t total; self int64_t n; self string s; this int64_t n; this string s; string name;
      int64_t seen[int, string]; int64_t by[string];
      ${clauses.join("\n      ")}
      ERROR { printf("error %d of %d\\n", arg4, arg2); }
      END { printf("%d %s\\n", total, name); }`;
  }

  #clause(): string {
    const count = 1 + this.#random(8) % 2;
    this.#probes = Array.from({ length: count }, () => this.#one(PROBES));
    const names = [...new Set(this.#probes.map(({ name }) => name))];
    const predicate = this.#random(2) === 0 ? "" : ` /(${this.#number(DEPTH)})/`;
    const statements = Array.from({ length: 1 + this.#random(5) }, () => this.#statement(1));
    // Variables of a firing are whatever was left where nobody has assigned to them.
    return `${names.join(", ")}${predicate} { this->n = 0; this->s = ""; ${statements.join(" ")} }`;
  }

  #statement(depth: number): string {
    const number = this.#number(DEPTH);
    const text = this.#text(DEPTH);
    switch (this.#random(depth > 0 ? 12 : 10)) {
      case 0:
        return `total ${this.#one(["=", "+=", "-=", "^=", "|="])} ${number};`;
      case 1:
        return `self->n = ${number};`;
      case 2:
        return `self->s = ${text};`;
      case 3:
        return `${this.#one(["this->n", "seen[1, probename]", `by[${text}]`])} ${this.#one(["=", "+="])} ${number};`;
      case 4:
        return `${this.#one(["this->s", "name"])} = ${text};`;
      case 5:
      case 6:
        return this.#aggregate(number, text);
      case 7:
        return `printf("%d %x %s\\n", ${number}, ${this.#number(1)}, ${text});`;
      case 8:
        return `printf("%5d|%-7s|%i\\n", (${this.#one(TYPES)})(${number}), ${text}, ${this.#number(1)});`;
      case 9:
        return `trace(${this.#one([number, text])});`;
      default:
        return `if (${number}) { ${this.#statement(depth - 1)} } else { ${this.#statement(depth - 1)} }`;
    }
  }

  /** An aggregation is called after its function and the form of its key. */
  #aggregate(number: string, text: string): string {
    const chosen = this.#random(FUNCTIONS.length);
    const [name, parameters] = [
      FUNCTIONS[chosen]!,
      ["", "", "", "", "", "", "", ", 0, 300, 30", ", 10, 0, 3, 10"][chosen]!,
    ];
    const key = this.#random(4);
    const keys = ["", `[${this.#number(1)}]`, `[${text}]`, `[${text}, ${this.#number(1)}]`][key]!;
    return `@a${chosen}${key}${keys} = ${name === "count()" ? name : `${name}(${number}${parameters})`};`;
  }

  #number(depth: number): string {
    if (depth === 0 || this.#random(4) === 0) return this.#leaf();
    const [left, right] = [this.#number(depth - 1), this.#number(depth - 1)];
    switch (this.#random(8)) {
      case 0:
        return `(${this.#one(["-", "~", "!"])}(${left}))`;
      case 1:
        return `((${this.#one(TYPES)})(${left}))`;
      case 2:
        return `((${left}) ? (${right}) : (${this.#leaf()}))`;
      case 3:
        return `strlen(${this.#text(depth - 1)})`;
      case 4:
        return `(${this.#text(depth - 1)} ${this.#one(["==", "!=", "<", ">="])} ${this.#text(depth - 1)})`;
      default:
        return `((${left}) ${this.#one(BINARY)} (${right}))`;
    }
  }

  #leaf(): string {
    const known = this.#shared(({ numbers }) => numbers);
    // What stops the thread is rare: it does so for all clauses of the probe.
    const rare = this.#random(12) === 0 ? NUMBERS.length : NUMBERS.length - 2;
    return this.#one([
      () => LITERALS[this.#random(LITERALS.length)]!,
      () => NUMBERS[this.#random(rare)]!,
      () => known.length === 0 ? "1" : this.#one(known),
    ])();
  }

  #text(depth: number): string {
    const known = this.#shared(({ texts }) => texts);
    if (depth === 0 || this.#random(3) > 0) return this.#one(known.length > 0 && this.#random(2) === 0 ? known : WORDS);
    const inner = this.#text(depth - 1);
    switch (this.#random(6)) {
      case 0:
        return `strjoin(${inner}, ${this.#text(depth - 1)})`;
      case 1:
        return `substr(${inner}, ${this.#random(9) - 2}, ${this.#random(9)})`;
      case 2:
        return `lltostr(${this.#number(depth - 1)})`;
      case 3:
        return `toupper(${inner})`;
      case 4:
        return `((${this.#number(depth - 1)}) ? ${inner} : ${this.#text(depth - 1)})`;
      default:
        return `basename(strjoin(${inner}, "/x y/"))`;
    }
  }

  /** What all probes of the clause have. */
  #shared(of: (probe: KnownProbe) => readonly string[]): readonly string[] {
    const [first, ...others] = this.#probes;
    return of(first!).filter((one) => others.every((probe) => of(probe).includes(one)));
  }

  #one<T>(list: readonly T[]): T {
    return list[this.#random(list.length)]!;
  }
}
