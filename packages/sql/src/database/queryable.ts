import { inspect } from "node:util";
import { type Compiled, compile } from "../statement/compile.ts";
import { RowCountError } from "../statement/errors.ts";
import type { Identifier } from "../statement/fragments.ts";
import { type AnyRow, type Sql, sql, type Value } from "../statement/sql.ts";
import type { Driver, DriverConnection, Result } from "./driver.ts";
import { finish, perform } from "./perform.ts";
import { RowIterator } from "./row-iterator.ts";

/** What a statement changed. */
export interface Executed {
  /** How many rows were inserted, changed or deleted. */
  readonly affected: number;
  /** The number that MySQL or SQLite gave to the row that was inserted; null if there is none, and on PostgreSQL. */
  readonly insertId: number | bigint | null;
}

/** Rows as lists, in the order of the columns. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** Options of `stream`. */
export interface StreamOptions {
  /** How many rows are read from the server at a time. Default 1000. */
  readonly batch?: number;
}

/** Rows of a bulk load. */
export type Rows = Iterable<readonly Value[]> | AsyncIterable<readonly Value[]>;

/** How many rows go to the server at a time. */
const BATCH = 1000;

/** What can be asked: a database, a transaction, or a session. */
export abstract class Queryable {
  /** @internal */ abstract readonly driver: Driver;
  /** @internal How long the server may take to stop a statement, in milliseconds. */
  abstract readonly patience: number;

  /** @internal As `borrow`, if there is a connection that needn't be waited for; otherwise null. */
  protected borrowReady(_text: string | null): DriverConnection | null {
    return null;
  }
  /** @internal A connection for a statement; null for several, which may write. */
  protected abstract borrow(text: string | null): Promise<DriverConnection>;
  /** @internal */
  protected abstract giveBack(connection: DriverConnection): void;

  /**
   * All rows of a statement.
   *
   * *Cancel safety*: cancelled, the statement is stopped on the server, and the wait ends when it has; a statement that
   * writes may or may not have taken effect.
   *
   * @throws SqlError and its subclasses; TypeError for a statement that is no template, or a value that can't be bound.
   */
  async query<Row = AnyRow>(statement: Sql<Row>): Promise<Row[]> {
    return (await this.ask(statement, false)).rows as Row[]; // as the author of the statement says
  }

  /**
   * The one row of a statement.
   *
   * *Cancel safety*: as `query`.
   *
   * @throws RowCountError if there is none, or more than one; otherwise as `query`.
   */
  async one<Row = AnyRow>(statement: Sql<Row>): Promise<Row> {
    const { rows } = await this.ask(statement, false);
    if (rows.length === 1) return rows[0] as Row; // as the author of the statement says
    throw new RowCountError(`one() is for one row, and there are ${rows.length}`, rows.length);
  }

  /**
   * The one row of a statement, or null if there is none.
   *
   * *Cancel safety*: as `query`.
   *
   * @throws RowCountError if there is more than one; otherwise as `query`.
   */
  async maybeOne<Row = AnyRow>(statement: Sql<Row>): Promise<Row | null> {
    const { rows } = await this.ask(statement, false);
    if (rows.length < 2) return (rows[0] as Row | undefined) ?? null; // as the author of the statement says
    throw new RowCountError(`maybeOne() is for one row or none, and there are ${rows.length}`, rows.length);
  }

  /**
   * Runs a statement for what it does. On SQLite, it always runs where writing is possible.
   *
   * *Cancel safety*: as `query`.
   *
   * @throws as `query`.
   */
  async execute(statement: Sql<unknown>): Promise<Executed> {
    const { affected, insertId } = await this.ask(statement, true, null);
    return { affected, insertId };
  }

  /**
   * All rows as lists, with the names of their columns, which may be the same twice.
   *
   * *Cancel safety*: as `query`.
   *
   * @throws as `query`.
   */
  async table(statement: Sql<unknown>): Promise<Table> {
    const { columns, rows } = await this.ask(statement, true);
    return { columns, rows: rows as unknown[][] }; // as asked for
  }

  /**
   * Runs a statement for each item, all or none of them.
   *
   * *Cancel safety*: cancelled, none has taken effect.
   *
   * @returns how many rows were affected
   * @throws as `query`.
   */
  executeMany<T>(
    items: Iterable<T> | AsyncIterable<T>,
    statement: (item: T) => Sql<unknown>,
  ): Promise<number> {
    return this.atomically(async (inner) => {
      let affected = 0;
      for await (const some of batches(items)) {
        const compiled = some.map((item) => compile(statement(item), this.driver.dialect));
        affected += await inner.withConnection((connection) =>
          perform(connection, this.patience, () => connection.runAll(compiled)),
        );
      }
      return affected;
    });
  }

  /**
   * Loads rows into a table, all or none, as fast as the database can: `COPY` on PostgreSQL, otherwise inserts of many
   * rows. Takes no more from `rows` than the server takes.
   *
   * *Cancel safety*: cancelled, no row is there.
   *
   * @returns how many rows there were
   * @throws as `query`.
   */
  async bulkInsert(table: string | Identifier, columns: readonly string[], rows: Rows): Promise<number> {
    const { dialect } = this.driver;
    const name = (typeof table === "string" ? sql.id(table) : table).write(dialect.quote);
    const names = columns.map((column) => sql.id(column).write(dialect.quote));
    if (names.length === 0)
      throw new RangeError('bulkInsert() takes columns: db.bulkInsert("t", ["a"], [[1]])');
    const copied = await this.withConnection(async (connection) =>
      connection.load === null ? null : await this.copy(connection, name, names, rows),
    );
    return copied ?? (await this.atomically((inner) => inner.insertMany(name, names, rows)));
  }

  /**
   * The rows of a statement, one after the other, while the rest stays on the server. The loop's end, `break` and an error
   * close the cursor; until then it has a connection of its own.
   *
   * *Cancel safety*: cancelled, the statement is stopped on the server, and its connection is free again.
   *
   * @throws as `query`, and RangeError for a `batch` that is no integer >= 1.
   */
  stream<Row = AnyRow>(
    statement: Sql<Row>,
    options: StreamOptions = {},
  ): AsyncGenerator<Row, void, undefined> {
    const batch = options.batch ?? BATCH;
    if (!Number.isInteger(batch) || batch < 1) {
      throw new RangeError(`batch must be an integer >= 1, such as { batch: 1000 }; got ${inspect(batch)}`);
    }
    const compiled = compile(statement, this.driver.dialect);
    return new RowIterator<Row>(compiled, batch, this.patience, {
      borrow: () => this.borrow(compiled.text),
      giveBack: (connection) => this.giveBack(connection),
    });
  }

  /** @internal Runs `fn` in a transaction: one of its own, or within this one. */
  protected abstract atomically<T>(fn: (inner: Queryable) => Promise<T>): Promise<T>;

  /** @internal */
  async withConnection<T>(fn: (connection: DriverConnection) => Promise<T>): Promise<T> {
    const connection = await this.borrow(null);
    try {
      return await fn(connection);
    } finally {
      this.giveBack(connection);
    }
  }

  private async ask(statement: Sql<unknown>, arrays: boolean, route?: null): Promise<Result> {
    const compiled = compile(statement, this.driver.dialect);
    const text = route === null ? null : compiled.text;
    const connection = this.borrowReady(text) ?? (await this.borrow(text));
    try {
      return await perform(connection, this.patience, () => connection.run(compiled, arrays));
    } finally {
      this.giveBack(connection);
    }
  }

  private async copy(
    connection: DriverConnection,
    table: string,
    columns: readonly string[],
    rows: Rows,
  ): Promise<number> {
    const load = connection.load as NonNullable<DriverConnection["load"]>; // the caller has looked
    const loader = await perform(connection, this.patience, () => load(table, columns));
    try {
      for await (const some of batches(rows)) {
        const checked = some.map((row) => tuple(row, columns));
        await perform(connection, this.patience, () => loader.write(checked), false);
      }
      return await perform(connection, this.patience, () => loader.finish());
    } catch (error) {
      await finish(connection, this.patience, () => loader.abort()).catch(() => connection.distrust());
      throw error;
    }
  }

  /** @internal */
  async insertMany(table: string, columns: readonly string[], rows: Rows): Promise<number> {
    const { dialect, maxParameters } = this.driver;
    const size = Math.max(1, Math.min(BATCH, Math.floor(maxParameters / columns.length)));
    const head = `insert into ${table} (${columns.join(", ")}) values `;
    let count = 0;
    for await (const some of batches(rows, size)) {
      const tuples = some.map((row) => sql.list(tuple(row, columns)));
      const compiled: Compiled = compile(sql`${sql.unsafe(head)}${sql.join(tuples)}`, dialect);
      await this.withConnection((connection) =>
        perform(connection, this.patience, () => connection.run(compiled, true)),
      );
      count += some.length;
    }
    return count;
  }
}

function tuple(row: readonly Value[], columns: readonly string[]): readonly Value[] {
  if (Array.isArray(row) && row.length === columns.length) return row;
  throw new TypeError(
    `each row of bulkInsert() is a list of ${columns.length} values, for (${columns.join(", ")}); got ${inspect(row, { depth: 0 })}`,
  );
}

async function* batches<T>(items: Iterable<T> | AsyncIterable<T>, size: number = BATCH): AsyncGenerator<T[]> {
  let some: T[] = [];
  if (Symbol.iterator in items) {
    // Without a turn for each item.
    for (const item of items) {
      some.push(item);
      if (some.length < size) continue;
      yield some;
      some = [];
    }
  } else {
    for await (const item of items) {
      some.push(item);
      if (some.length < size) continue;
      yield some;
      some = [];
    }
  }
  if (some.length > 0) yield some;
}
