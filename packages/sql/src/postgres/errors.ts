import {
  ConflictError,
  ConnectError,
  ConnectionLostError,
  ConstraintError,
  type ConstraintKind,
  SqlError,
  StatementStoppedError,
  StorageFullError,
} from "../statement/errors.ts";

/** What pg's errors have. */
interface PgError {
  readonly message: string;
  readonly code?: string;
  readonly constraint?: string;
}

const CONSTRAINTS: Readonly<Record<string, ConstraintKind>> = {
  "23502": "not null",
  "23503": "foreign key",
  "23505": "unique",
  "23514": "check",
  "23P01": "exclusion",
};

/** What the server says when it stopped a statement because it was asked to. */
export const QUERY_CANCELED = "57014";
/** A prepared statement no longer fits its tables. */
export const STALE_PLAN = "0A000";

const STATE = /^[0-9A-Z]{5}$/;

/** The error of this package for one that pg threw. */
export function translate(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof SqlError) return error;
  const { message, code, constraint } = error as PgError;
  const options = { code, cause: error };
  // Without an SQLSTATE it is the connection's, or pg's own: that it can't be asked any more.
  if (code === undefined || !STATE.test(code) || /^E[A-Z]{4}$/.test(code)) {
    if (error instanceof TypeError || error instanceof RangeError) return error;
    return new ConnectionLostError(`the connection to PostgreSQL is lost: ${message}`, options);
  }
  if (code.startsWith("23")) {
    return new ConstraintError(message, CONSTRAINTS[code] ?? "other", constraint, options);
  }
  switch (code) {
    case "40001":
      return new ConflictError(message, "serialization", options);
    case "40P01":
      return new ConflictError(message, "deadlock", options);
    case "55P03":
      return new ConflictError(message, "locked", options);
    case "53100":
      return new StorageFullError(message, options);
    case QUERY_CANCELED:
      return new StatementStoppedError(message, options);
    case "57P01":
    case "57P02":
    case "57P03":
    case "57P05":
    case "25P03":
      return new ConnectionLostError(`the connection to PostgreSQL is lost: ${message}`, options);
  }
  return new SqlError(message, options);
}

/** The error for a connection that could not be made. */
export function connectError(error: unknown, address: string): ConnectError {
  const { message, code } = error as PgError;
  const reason =
    code === "53300"
      ? "too many connections"
      : code !== undefined && STATE.test(code)
        ? "refused"
        : "unreachable";
  return new ConnectError(`no connection to PostgreSQL at ${address}: ${message || code}`, reason, {
    code,
    cause: error,
  });
}
