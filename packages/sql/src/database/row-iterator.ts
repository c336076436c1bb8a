import type { Compiled } from "../statement/compile.ts";
import { SqlError } from "../statement/errors.ts";
import type { Cursor, DriverConnection } from "./driver.ts";
import { finish, perform } from "./perform.ts";

/** Where a stream has its connection from. */
export interface Lender {
  borrow(): Promise<DriverConnection>;
  giveBack(connection: DriverConnection): void;
}

/*
 *   new ── next ──> open ── next: a row that is here, or the next ones from the cursor ──┐
 *    │               │ ^─────────────────────────────────────────────────────────────────┘
 *    │               └── no more rows, return, an error ──> the cursor is closed, the connection given back ──> over
 *    └── return ──> over
 */

/**
 * The rows of a cursor, one after the other. Not an async generator: that would wait several times for each row, of which
 * most are here already.
 */
export class RowIterator<Row> implements AsyncGenerator<Row, void, undefined> {
  private readonly statement: Compiled;
  private readonly batch: number;
  private readonly patience: number;
  private readonly lender: Lender;
  private connection: DriverConnection | null = null;
  private cursor: Cursor | null = null;
  private rows: Row[] = [];
  private at = 0;
  private over = false;
  private busy = false;

  constructor(statement: Compiled, batch: number, patience: number, lender: Lender) {
    this.statement = statement;
    this.batch = batch;
    this.patience = patience;
    this.lender = lender;
  }

  next(): Promise<IteratorResult<Row, void>> {
    if (this.at < this.rows.length) {
      return Promise.resolve({ value: this.rows[this.at++] as Row, done: false });
    }
    return this.more();
  }

  async return(): Promise<IteratorResult<Row, void>> {
    await this.end();
    return { value: undefined, done: true };
  }

  async throw(error: unknown): Promise<IteratorResult<Row, void>> {
    await this.end();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }

  private async more(): Promise<IteratorResult<Row, void>> {
    if (this.over) return { value: undefined, done: true };
    if (this.busy)
      throw new SqlError("a stream is read by one task: its next row was asked for twice at a time");
    this.busy = true;
    try {
      this.rows = [];
      const cursor = await this.opened();
      const rows = await this.perform(() => cursor.read(this.batch));
      if (rows.length === 0) {
        await this.end();
        return { value: undefined, done: true };
      }
      this.rows = rows as Row[]; // as the author of the statement says
      this.at = 1;
      return { value: this.rows[0] as Row, done: false };
    } catch (error) {
      await this.end();
      throw error;
    } finally {
      this.busy = false;
    }
  }

  private async opened(): Promise<Cursor> {
    if (this.cursor !== null) return this.cursor;
    this.connection = await this.lender.borrow();
    const connection = this.connection;
    this.cursor = await this.perform(() => connection.open(this.statement));
    return this.cursor;
  }

  private perform<T>(work: () => Promise<T>): Promise<T> {
    return perform(this.connection as DriverConnection, this.patience, work); // there is one by now
  }

  private async end(): Promise<void> {
    const { connection, cursor } = this;
    this.over = true;
    this.rows = [];
    this.at = 0;
    this.connection = null;
    this.cursor = null;
    if (connection === null) return;
    try {
      if (cursor !== null) await finish(connection, this.patience, () => cursor.close());
    } catch {
      connection.distrust();
    } finally {
      this.lender.giveBack(connection);
    }
  }
}
