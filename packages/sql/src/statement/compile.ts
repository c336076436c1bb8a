import { inspect } from "node:util";
import type { Dialect } from "./dialect.ts";
import { Identifier, Json } from "./fragments.ts";
import { Sql } from "./sql.ts";

/** A statement as a driver takes it. */
export interface Compiled {
  readonly text: string;
  readonly parameters: unknown[];
  /** Does the text depend on nothing but a line of the program? Then there are few of it, and preparing it pays. */
  readonly constant: boolean;
  /** Is it text of the program's own, without parameters? It may be several statements, where the database takes that. */
  readonly script: boolean;
}

/** The texts of templates in which only values stand: they are the same each time. */
const known: Record<Dialect["name"], WeakMap<readonly string[], string>> = {
  postgres: new WeakMap(),
  mysql: new WeakMap(),
  sqlite: new WeakMap(),
};

/**
 * Writes a statement for a database.
 *
 * @throws TypeError if it is no template, or if a value can't be bound.
 */
export function compile(statement: Sql<unknown>, dialect: Dialect): Compiled {
  if (!Sql.is(statement)) {
    throw new TypeError(
      `a statement is a template: sql\`select 1\`; got ${inspect(statement)} (sql.unsafe(text) is for text that the program wrote)`,
    );
  }
  if (statement.native !== null) {
    const { text, parameters } = statement.native;
    return {
      text,
      parameters: parameters.map((value, at) => bound(value, at + 1, dialect)),
      constant: false,
      script: parameters.length === 0,
    };
  }
  const { texts, holes } = statement;
  if (holes.every(isValue)) {
    const parameters = holes.map((hole, at) => bound(hole, at + 1, dialect));
    let text = known[dialect.name].get(texts);
    if (text === undefined) {
      text = texts.reduce((all, piece, at) => all + dialect.placeholder(at) + piece);
      known[dialect.name].set(texts, text);
    }
    return { text, parameters, constant: true, script: false };
  }
  const writer = new Writer(dialect);
  writer.write(statement);
  return { text: writer.text, parameters: writer.parameters, constant: false, script: false };
}

class Writer {
  text = "";
  readonly parameters: unknown[] = [];
  private readonly dialect: Dialect;

  constructor(dialect: Dialect) {
    this.dialect = dialect;
  }

  write({ texts, holes, native }: Sql<unknown>): void {
    if (native !== null) {
      if (native.parameters.length > 0) {
        throw new TypeError("sql.unsafe() with parameters is a whole statement: it can't stand in another");
      }
      this.text += native.text;
      return;
    }
    texts.forEach((piece, at) => {
      this.text += piece;
      if (at === holes.length) return;
      const hole = holes[at];
      if (hole instanceof Identifier) this.text += hole.write(this.dialect.quote);
      else if (Sql.is(hole)) this.write(hole);
      else {
        this.parameters.push(bound(hole, this.parameters.length + 1, this.dialect));
        this.text += this.dialect.placeholder(this.parameters.length);
      }
    });
  }
}

function isValue(hole: unknown): boolean {
  return !Sql.is(hole) && !(hole instanceof Identifier);
}

/** A value as the drivers take it. Objects of unknown kinds are refused: drivers may make statement text of them. */
export function bound(value: unknown, number: number, dialect: Dialect): unknown {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
    case "boolean":
      return value;
    case "object":
      if (value === null) return null;
      if (value instanceof Json) return value.text;
      if (value instanceof Date) return dated(value, number, dialect);
      if (Buffer.isBuffer(value)) return value;
      if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      if (Array.isArray(value)) {
        if (dialect.arrays) return value.map((item) => bound(item, number, dialect));
        throw new TypeError(
          `parameter ${number} is a list, which ${dialect.name} can't bind: use sql.list(values) for in (…), or sql.json(value)`,
        );
      }
  }
  const hint =
    value === undefined
      ? "use null for no value"
      : "use sql.json(value) for a JSON column, sql.insert(row) or sql.set(row) for a row";
  throw new TypeError(`parameter ${number} can't be bound: it is ${inspect(value, { depth: 0 })}; ${hint}`);
}

/** A point in time is always written in UTC; MySQL's driver does so by itself. */
function dated(value: Date, number: number, dialect: Dialect): unknown {
  if (Number.isNaN(value.getTime())) throw new TypeError(`parameter ${number} is an invalid Date`);
  return dialect.name === "mysql" ? value : value.toISOString();
}
