/** What is asked of the process that has a database open. It answers each with one {@link Reply}, in order. */
export type Request = { readonly type: "open"; readonly start: Start } | (Asked & Begins);

interface Begins {
  /** The statement that begins a transaction, before what is asked: which is not done if that fails. */
  readonly begin?: string;
}

/** What is asked of a database that is open. */
export type Asked =
  | { readonly type: "run"; readonly text: string; readonly parameters: readonly unknown[] }
  | { readonly type: "script"; readonly text: string }
  | { readonly type: "runAll"; readonly statements: readonly (readonly [string, readonly unknown[]])[] }
  | { readonly type: "load"; readonly head: string; readonly rows: readonly (readonly unknown[])[] }
  | { readonly type: "cursor"; readonly text: string; readonly parameters: readonly unknown[] }
  | { readonly type: "read"; readonly count: number }
  | { readonly type: "closeCursor" }
  | { readonly type: "close" };

/** How a database is opened. */
export interface Start {
  readonly file: string;
  readonly readOnly: boolean;
  readonly busyTimeout: number;
  readonly synchronous: "off" | "normal" | "full" | "extra";
  /** The URL of a module whose exports are functions for SQL. */
  readonly functions: string | null;
}

/** Rows as lists. */
export interface RowsReply {
  readonly columns: readonly string[];
  readonly rows: unknown[][];
  readonly affected: number;
  readonly insertId: number | bigint | null;
}

/** Rows of a cursor: the values of each column, which is written and read faster. */
export interface ColumnsReply {
  readonly columns: readonly string[];
  readonly values: unknown[][];
}

/** How a request ended. */
export type Reply =
  | { readonly ok: true; readonly value: RowsReply | ColumnsReply | number | null }
  | {
      readonly ok: false;
      readonly error: Failure;
      /** Has it begun the transaction that it was to begin? */
      readonly begun: boolean;
    };

/** An error, as it comes out of the process. */
export interface Failure {
  readonly message: string;
  /** SQLite's own number, with its details; 0 if the error is none of SQLite's. */
  readonly code: number;
  /** `TypeError`, `RangeError`, ... */
  readonly name: string;
}

/** The descriptor of the pipe over which it is asked and answers. */
export const PIPE = 3;
/** That of a pipe over which nothing comes: it ends when the program does. */
export const LIFELINE = 4;

/** Each message goes behind its length, in so many bytes. */
export const HEAD = 4;
