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

/** What mysql2's errors have. */
interface MysqlError {
  readonly message: string;
  readonly code?: string;
  readonly errno?: number;
  readonly fatal?: boolean;
}

const CONSTRAINTS: Readonly<Record<number, ConstraintKind>> = {
  1048: "not null",
  1062: "unique",
  1169: "unique",
  1216: "foreign key",
  1217: "foreign key",
  1364: "not null",
  1451: "foreign key",
  1452: "foreign key",
  3819: "check",
  4025: "check",
};

/** What the server says when it stopped a statement because it was asked to. */
export const QUERY_INTERRUPTED = 1317;

/** A server that shuts down, a connection that was killed, one that was quiet for too long. */
const LOST = new Set([1053, 1152, 1184, 1927, 4031]);
const FULL = new Set([1021, 1114]);

/** The error of this package for one that mysql2 threw. */
export function translate(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof SqlError) return error;
  const { message, code, errno, fatal } = error as MysqlError;
  const options = { code, cause: error };
  if (fatal === true || errno === undefined || errno < 0 || LOST.has(errno)) {
    // mysql2's own complaints about what it was given have no number.
    if (error instanceof TypeError || error instanceof RangeError) return error;
    return new ConnectionLostError(`the connection to MySQL is lost: ${message}`, options);
  }
  const kind = CONSTRAINTS[errno];
  if (kind !== undefined) return new ConstraintError(message, kind, constraintIn(message), options);
  if (FULL.has(errno)) return new StorageFullError(message, options);
  switch (errno) {
    case 1213:
      return new ConflictError(message, "deadlock", options);
    case 1020:
      return new ConflictError(message, "serialization", options);
    case 1205:
    case 3572:
      return new ConflictError(message, "locked", options);
    case QUERY_INTERRUPTED:
    case 1969:
    case 3024:
      return new StatementStoppedError(message, options);
  }
  return new SqlError(message, options);
}

function constraintIn(message: string): string | undefined {
  const found = /for key '([^']+)'|CONSTRAINT `([^`]+)`/.exec(message);
  return found?.[1] ?? found?.[2];
}

/** The error for a connection that could not be made. */
export function connectError(error: unknown, address: string): ConnectError {
  const { message, code, errno } = error as MysqlError;
  const reason =
    errno === 1040 || errno === 1203
      ? "too many connections"
      : errno !== undefined && errno > 0
        ? "refused"
        : "unreachable";
  return new ConnectError(`no connection to MySQL at ${address}: ${message || code}`, reason, {
    code,
    cause: error,
  });
}
