/**
 * Writes the typed tree as text, so that tests can say what they expect.
 *
 * An expression is its operator and operands in parentheses, with its form behind a colon: `i4` and `u8` are numbers by
 * sign and bytes, `s` is a string, `b16` are 16 bytes.
 */

import { formatInt64 } from "../../lib/d/int64.ts";
import type { PrintFormat } from "../../lib/d/print_format.ts";
import type { Clause, Expression, Statement } from "../../lib/d/tree.ts";
import type { BitField, Form } from "../../lib/d/types.ts";
import { operandsOf } from "../../lib/d/walk.ts";

/** Writes a clause: its predicate, if it has one, and its statements. */
export function clauseText({ predicate, statements }: Clause): string[] {
  return [...(predicate === undefined ? [] : [`/${expressionText(predicate)}/`]), ...statements.map(statementText)];
}

function statementText(statement: Statement): string {
  switch (statement.kind) {
    case "expression":
      return expressionText(statement.expression);
    case "if": {
      const [then, otherwise] = [statement.then, statement.otherwise].map((list) => list.map(statementText).join("; "));
      return `if ${expressionText(statement.condition)} {${then}} else {${otherwise}}`;
    }
    case "aggregate": {
      const { name, function: functionName, parameters } = statement.aggregation;
      const list = [statement.value, statement.increment].map((value) =>
        value === undefined ? "-" : expressionText(value)
      );
      return `@${name}[${statement.keys.map(expressionText).join(", ")}] = ${functionName}${
        parameters.length === 0 ? "" : `<${parameters.join(",")}>`
      }(${list.join(", ")})`;
    }
    case "printf":
    case "system":
    case "freopen":
      return [statement.kind, formatText(statement.format), ...statement.arguments.map(expressionText)].join(" ");
    case "printa":
      return [
        "printa",
        statement.format && formatText(statement.format),
        ...statement.aggregations.map(({ name }) => `@${name}`),
      ]
        .filter((part) => part !== undefined).join(" ");
    case "tracemem": {
      const { address, sizeBytes, dynamicBytes } = statement;
      return `tracemem ${expressionText(address)} ${sizeBytes}${
        dynamicBytes ? ` ${expressionText(dynamicBytes)}` : ""
      }`;
    }
    case "setopt":
      return `setopt ${expressionText(statement.name)}${statement.value ? `=${expressionText(statement.value)}` : ""}`;
    case "clear":
    case "normalize":
    case "denormalize":
    case "trunc":
      return `${statement.kind} @${statement.aggregation.name}${
        statement.value ? ` ${expressionText(statement.value)}` : ""
      }`;
    default:
      return "value" in statement ? `${statement.kind} ${expressionText(statement.value)}` : statement.kind;
  }
}

function formatText(format: PrintFormat): string {
  return JSON.stringify(
    format.map((part) => {
      if (part.kind === "text") return new TextDecoder().decode(part.bytes);
      const number = (value: typeof part.width) =>
        value === undefined ? "" : value.kind === "number" ? value.value : `*${value.index}`;
      const precision = part.precision === undefined ? "" : `.${number(part.precision)}`;
      return `%${part.flags}${number(part.width)}${precision}${part.size}${part.name}{${
        part.source.kind[0]
      }${part.source.index}}`;
    }).join(""),
  );
}

/** Writes an expression. */
export function expressionText(expression: Expression): string {
  return `${nodeText(expression)}:${formText(expression.form)}`;
}

function nodeText(expression: Expression): string {
  const operands = operandsOf(expression).map(expressionText);
  switch (expression.kind) {
    case "constant":
      return formatInt64(expression.value, expression.form.kind === "number" && expression.form.signed);
    case "string":
      return JSON.stringify(new TextDecoder().decode(expression.bytes));
    case "variable":
      return `${expression.variable.scope}.${expression.variable.name}`;
    case "element":
      return `${expression.variable.scope}.${expression.variable.name}[${operands.join(", ")}]`;
    case "builtin":
      return expression.name;
    case "argument":
      return expression.typed ? `args${expression.index}` : `arg${expression.index}`;
    case "load":
      return `(load ${operands[0]}${bitsText(expression.bits)}${expression.userland ? " user" : ""})`;
    case "to-string":
      return `(to-string ${operands[0]}${expression.limitBytes === undefined ? "" : ` ${expression.limitBytes}`})`;
    case "bounded":
      return `(bounded ${operands[0]} ${expression.count})`;
    case "arithmetic":
    case "comparison":
      return `(${expression.signed ? "" : "u"}${expression.operator} ${operands.join(" ")})`;
    case "string-comparison":
    case "logical":
    case "unary":
      return `(${expression.operator} ${operands.join(" ")})`;
    case "assign":
      return `(${expression.operator ?? ""}= ${operands.join(" ")})`;
    case "step":
      return `(${expression.postfix ? "post" : "pre"} ${operands[0]} ${formatInt64(expression.by, true)})`;
    case "call":
      return `(${[expression.name, ...operands].join(" ")})`;
    case "stack":
      return `(${expression.of} ${expression.frames ?? "-"} ${expression.stringBytes ?? "-"})`;
    case "symbol":
      return `(${expression.of} ${operands[0]})`;
    case "construct":
      return `(construct ${
        expression.members.map(({ offsetBytes }, index) => `+${offsetBytes} ${operands[index]}`).join(" ")
      })`;
    default:
      return `(${expression.kind} ${operands.join(" ")})`;
  }
}

function bitsText(bits: BitField | undefined): string {
  return bits === undefined ? "" : ` bits ${bits.shift}+${bits.width} of ${bits.loadBytes}`;
}

function formText(form: Form): string {
  switch (form.kind) {
    case "number":
      return `${form.signed ? "i" : "u"}${form.sizeBytes}`;
    case "string":
      return "s";
    case "bytes":
    case "float":
      return `${form.kind[0]}${form.sizeBytes}`;
    default:
      return form.kind;
  }
}
