import { inspect } from "node:util";
import { Identifier, Json, Native } from "./fragments.ts";

/** A row whose type nobody has given. */
export type AnyRow = Record<string, unknown>;

/** What may be bound to a statement. A list is one parameter on PostgreSQL only. */
export type Value = string | number | bigint | boolean | null | Date | Uint8Array | Json | readonly Value[];

/** What may stand in a hole of a template: a value, which is bound; a name; or another template. */
export type Hole = Value | Identifier | Sql<unknown>;

/** A statement, or a part of one. Made by {@link sql}; it is text and values apart, and never one from the other. */
export class Sql<Row = AnyRow> {
  readonly #texts: readonly string[];
  readonly #holes: readonly unknown[];
  readonly #native: Native | null;
  /** Only for the type checker. */
  declare readonly row?: Row;

  /** @internal */
  constructor(texts: readonly string[], holes: readonly unknown[], native: Native | null = null) {
    this.#texts = texts;
    this.#holes = holes;
    this.#native = native;
  }

  /** @internal The pieces of text around the holes: one more than these. */
  get texts(): readonly string[] {
    return this.#texts;
  }

  /** @internal */
  get holes(): readonly unknown[] {
    return this.#holes;
  }

  /** @internal Text and parameters as the driver wants them; then it has no pieces. */
  get native(): Native | null {
    return this.#native;
  }

  /** True of what was really made here: not of an object that looks like it. */
  static is(value: unknown): value is Sql<unknown> {
    return typeof value === "object" && value !== null && #texts in value;
  }
}

/** The functions of {@link sql}. */
export interface SqlTag {
  <Row = AnyRow>(texts: TemplateStringsArray, ...holes: readonly Hole[]): Sql<Row>;
  /** A name, quoted: `sql.id("schema", "table")`. */
  id(...names: readonly string[]): Identifier;
  /** A list for `in`: `(…, …)`, each value a parameter. @throws RangeError if it is empty, as `in ()` is no SQL. */
  list(values: Iterable<Value>): Sql<unknown>;
  /** Templates one after the other, with `separator` between them; default `` sql`, ` ``. */
  join(parts: Iterable<Sql<unknown> | Identifier>, separator?: Sql<unknown>): Sql<unknown>;
  /** What follows `insert into t`: `(a, b) values (…, …), …`. All rows have the columns that are named, by default those of the first. */
  insert(
    rows: Readonly<Record<string, Value>> | readonly Readonly<Record<string, Value>>[],
    columns?: readonly string[],
  ): Sql<unknown>;
  /** What follows `update t set`: `a = …, b = …`. */
  set(changes: Readonly<Record<string, Value>>, columns?: readonly string[]): Sql<unknown>;
  /** A value for a JSON column. */
  json(value: unknown): Json;
  /** Text as it is, with parameters as the driver marks them. For what a program wrote, never for what it was given. */
  unsafe<Row = AnyRow>(text: string, parameters?: readonly unknown[]): Sql<Row>;
}

function tag<Row = AnyRow>(texts: TemplateStringsArray, ...holes: readonly Hole[]): Sql<Row> {
  // A function call with a text, or with a list that came from outside, has no `raw`.
  if (!Array.isArray(texts) || !Array.isArray(texts.raw)) {
    throw new TypeError(
      `sql is a tag for templates: sql\`select * from t where id = \${id}\`; it was called with ${inspect(texts)}`,
    );
  }
  return new Sql<Row>(texts, holes);
}

function id(...names: readonly string[]): Identifier {
  return new Identifier(names);
}

function list(values: Iterable<Value>): Sql<unknown> {
  if (typeof values === "string" || typeof values?.[Symbol.iterator] !== "function") {
    throw new TypeError(`sql.list() takes a list: sql.list([1, 2, 3]); got ${inspect(values)}`);
  }
  const holes = [...values];
  if (holes.length === 0) {
    throw new RangeError(
      "sql.list() got no values, and `in ()` is no SQL: leave the condition out, or the whole query",
    );
  }
  return new Sql(["(", ...Array<string>(holes.length - 1).fill(", "), ")"], holes);
}

const COMMA = new Sql<unknown>([", "], []);

function join(parts: Iterable<Sql<unknown> | Identifier>, separator: Sql<unknown> = COMMA): Sql<unknown> {
  const holes: unknown[] = [];
  for (const part of parts) {
    if (!Sql.is(part) && !(part instanceof Identifier)) {
      throw new TypeError(`sql.join() takes templates: sql.join([sql\`a = \${1}\`]); got ${inspect(part)}`);
    }
    if (holes.length > 0) holes.push(separator);
    holes.push(part);
  }
  return new Sql(Array<string>(holes.length + 1).fill(""), holes);
}

function insert(
  rows: Readonly<Record<string, Value>> | readonly Readonly<Record<string, Value>>[],
  columns?: readonly string[],
): Sql<unknown> {
  const all = (Array.isArray(rows) ? rows : [rows]) as readonly Readonly<Record<string, Value>>[];
  const first = all[0];
  if (first === undefined) throw new RangeError("sql.insert() got no rows: there is nothing to insert");
  const names = columns ?? Object.keys(first);
  const tuples = all.map((row, at) =>
    list(names.map((name) => cell(row, name, `row ${at} of sql.insert()`))),
  );
  return new Sql(["(", ") values ", ""], [join(names.map((name) => id(name))), join(tuples)]);
}

function set(changes: Readonly<Record<string, Value>>, columns?: readonly string[]): Sql<unknown> {
  const names = columns ?? Object.keys(changes);
  if (names.length === 0) throw new RangeError("sql.set() got no changes: there is nothing to set");
  return join(names.map((name) => new Sql(["", " = ", ""], [id(name), cell(changes, name, "sql.set()")])));
}

function cell(row: Readonly<Record<string, Value>>, name: string, where: string): Value {
  const value = Object.hasOwn(row, name) ? row[name] : undefined;
  if (value === undefined) throw new TypeError(`${where} has no value for "${name}": use null for none`);
  return value;
}

/**
 * A statement as a template: what stands in a hole becomes a parameter, and never a part of the text.
 *
 * Names, lists, JSON and rows have functions of their own: `sql.id`, `sql.list`, `sql.json`, `sql.insert`, `sql.set`,
 * `sql.join`. A template may stand in a hole of another.
 *
 * @throws TypeError if it is called like a function; what its functions are given wrong.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { sql } from "@brio/sql";
 * import { sqlite } from "@brio/sql/sqlite";
 *
 * await run(async () => {
 *   await using db = sqlite({ file: ":memory:" });
 *   await db.execute(sql`create table users (id integer primary key, name text)`);
 *   const name = "Robert'); drop table users; --";
 *   await db.execute(sql`insert into users ${sql.insert([{ name }, { name: "Ada" }])}`);
 *   const { id } = await db.one(sql<{ id: number }>`select id from users where name = ${name}`);
 *   console.log(id); // 1
 * });
 * ```
 */
export const sql: SqlTag = Object.assign(tag, {
  id,
  list,
  join,
  insert,
  set,
  json: (value: unknown): Json => new Json(value),
  unsafe: <Row = AnyRow>(text: string, parameters: readonly unknown[] = []): Sql<Row> =>
    new Sql<Row>([], [], new Native(text, parameters)),
});
