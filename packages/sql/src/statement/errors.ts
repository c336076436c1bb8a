/** What all errors of a database have in common. */
export interface SqlErrorOptions {
  /** The server's own code: an SQLSTATE (`23505`), `ER_DUP_ENTRY`, `SQLITE_BUSY`. */
  readonly code?: string | undefined;
  /** The driver's error. */
  readonly cause?: unknown;
}

/**
 * A database refused, or could not be asked. What is more is known of it is in the subclasses.
 *
 * The message never contains parameters: they may be secrets.
 */
export class SqlError extends Error {
  override name = "SqlError";
  /** The server's own code: an SQLSTATE (`23505`), `ER_DUP_ENTRY`, `SQLITE_BUSY`; undefined if there is none. */
  readonly code: string | undefined;

  constructor(message: string, options: SqlErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
  }
}

/** No connection could be made. `reason` says whether the server had too many already. */
export class ConnectError extends SqlError {
  override name = "ConnectError";
  /** Why there is none. */
  readonly reason: "unreachable" | "refused" | "too many connections";

  constructor(message: string, reason: ConnectError["reason"], options?: SqlErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** The connection broke while a statement ran, or before: whether that statement has taken effect is unknown. */
export class ConnectionLostError extends SqlError {
  override name = "ConnectionLostError";
}

/** The connection broke after a commit was asked for, and before its answer: look whether it has happened. */
export class CommitUnknownError extends ConnectionLostError {
  override name = "CommitUnknownError";
}

/** Which rule of a table a statement broke. */
export type ConstraintKind = "unique" | "foreign key" | "not null" | "check" | "exclusion" | "other";

/** A row broke a rule of its table. */
export class ConstraintError extends SqlError {
  override name = "ConstraintError";
  /** Which rule it was. */
  readonly kind: ConstraintKind;
  /** The name of the constraint, if the database tells. */
  readonly constraint: string | undefined;

  constructor(
    message: string,
    kind: ConstraintKind,
    constraint: string | undefined,
    options?: SqlErrorOptions,
  ) {
    super(message, options);
    this.kind = kind;
    this.constraint = constraint;
  }
}

/** Another transaction was in the way: trying again is the remedy, and `transaction` does so by itself. */
export class ConflictError extends SqlError {
  override name = "ConflictError";
  /** How it was in the way. */
  readonly kind: "deadlock" | "serialization" | "locked";

  constructor(message: string, kind: ConflictError["kind"], options?: SqlErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** The disk of the database is full. */
export class StorageFullError extends SqlError {
  override name = "StorageFullError";
}

/** Somebody else stopped the statement: an administrator, or the server's own limit of time. */
export class StatementStoppedError extends SqlError {
  override name = "StatementStoppedError";
}

/** `one` or `maybeOne` got another number of rows than it is for. */
export class RowCountError extends SqlError {
  override name = "RowCountError";
  /** How many rows there were. */
  readonly rows: number;

  constructor(message: string, rows: number) {
    super(message);
    this.rows = rows;
  }
}

/** A pool gave no connection: none came back in time, too many wait already, or it is closed. */
export class PoolError extends SqlError {
  override name = "PoolError";
  /** Why it gave none. */
  readonly reason: "time-out" | "too many waiting" | "closed";

  constructor(message: string, reason: PoolError["reason"]) {
    super(message);
    this.reason = reason;
  }
}
