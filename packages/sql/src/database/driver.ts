import type { Poolable } from "../pool/pool.ts";
import type { Compiled } from "../statement/compile.ts";
import type { Dialect } from "../statement/dialect.ts";

/** What came of a statement. */
export interface Result {
  readonly columns: readonly string[];
  /** Objects, or lists of values in the order of the columns: as asked for. */
  readonly rows: unknown[];
  /** How many rows were inserted, changed or deleted. */
  readonly affected: number;
  /** The number that the database gave to the row that was inserted, where it tells. */
  readonly insertId: number | bigint | null;
}

/** Rows that stay on the server until they are read. */
export interface Cursor {
  /** The next rows, at most so many; none at the end. */
  read(count: number): Promise<unknown[]>;
  /** The connection is free for other statements afterwards, or not usable any more. */
  close(): Promise<void>;
}

/** Takes rows into a table. Until `finish`, none of them is there for others. */
export interface Loader {
  /** Settles when the server takes more. */
  write(rows: readonly (readonly unknown[])[]): Promise<void>;
  /** @returns how many rows there were */
  finish(): Promise<number>;
  abort(): Promise<void>;
}

/**
 * A connection, as a driver has it. Its promises are the driver's own, and nothing of it is cancelled by itself:
 * `perform` does that.
 */
export interface DriverConnection extends Poolable {
  /** What the driver has made. */
  readonly raw: unknown;
  run(statement: Compiled, arrays: boolean): Promise<Result>;
  /** Runs statements one after the other. @returns how many rows they affected */
  runAll(statements: readonly Compiled[]): Promise<number>;
  open(statement: Compiled): Promise<Cursor>;
  /**
   * Has a transaction begun together with its first statement, where the database does none of that if it can't begin: that
   * saves a way there and back. If none comes before it ends, it never was.
   */
  begin: ((text: string) => void) | null;
  /** Begins a bulk load, if the database has one. */
  load: ((table: string, columns: readonly string[]) => Promise<Loader>) | null;
  /** Asks the server to stop what runs. Settles when that is asked, or can't be: then the connection is destroyed. */
  stop(patience: number): Promise<void>;
  /** After `stop`: is it certain that nothing of it can hit the next statement? `error`: how the stopped one ended. */
  certain(error: unknown): boolean;
  /** It is not to be used again. */
  distrust(): void;
  /** The error that tasks get for one of the driver's. */
  translate(error: unknown): unknown;
}

/** How far transactions see what others do. */
export type Isolation = "read uncommitted" | "read committed" | "repeatable read" | "serializable";

/** Options of `transaction`. */
export interface TransactionOptions {
  /** Default: the server's. SQLite has "serializable" only, and takes the others for it. */
  readonly isolation?: Isolation;
  /** It changes nothing: servers may do less for it, and SQLite runs it beside a writer. Default false. */
  readonly readOnly?: boolean;
  /** How often it is run again after a {@link ConflictError}: a deadlock, a serialization failure, a lock. Default 3. */
  readonly retries?: number;
}

/** What differs from database to database, beside connections. */
export interface Driver {
  readonly dialect: Dialect;
  /** The statements that begin a transaction. */
  begin(options: TransactionOptions): readonly string[];
  /** How many parameters a statement may have. */
  readonly maxParameters: number;
}
