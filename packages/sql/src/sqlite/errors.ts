import {
  ConflictError,
  ConnectionLostError,
  ConstraintError,
  type ConstraintKind,
  SqlError,
  StatementStoppedError,
  StorageFullError,
} from "../statement/errors.ts";
import type { Failure } from "./process/protocol.ts";

/** SQLite's numbers: the lowest byte says what kind of error it is. */
const NAMES: Readonly<Record<number, string>> = {
  1: "SQLITE_ERROR",
  5: "SQLITE_BUSY",
  6: "SQLITE_LOCKED",
  8: "SQLITE_READONLY",
  9: "SQLITE_INTERRUPT",
  10: "SQLITE_IOERR",
  11: "SQLITE_CORRUPT",
  13: "SQLITE_FULL",
  14: "SQLITE_CANTOPEN",
  19: "SQLITE_CONSTRAINT",
  26: "SQLITE_NOTADB",
};

const CONSTRAINTS: Readonly<Record<number, ConstraintKind>> = {
  275: "check",
  787: "foreign key",
  1299: "not null",
  1555: "unique",
  2067: "unique",
  2579: "unique",
};

/** The error of this package for one that came out of the process. */
export function sqliteError({ message, code, name }: Failure): Error {
  if (code === 0) {
    // Not SQLite's: of a function of the user, or of a value that can't be bound.
    const error = name === "TypeError" ? new TypeError(message) : new SqlError(message);
    return error;
  }
  const options = { code: NAMES[code & 0xff] ?? `SQLITE_${code}` };
  switch (code & 0xff) {
    case 5:
    case 6:
      return new ConflictError(message, "locked", options);
    case 9:
      return new StatementStoppedError(message, options);
    case 13:
      return new StorageFullError(message, options);
    case 19:
      return new ConstraintError(message, CONSTRAINTS[code] ?? "other", constraintIn(message), options);
  }
  return new SqlError(message, options);
}

/** SQLite names the columns, or a check, behind a colon. */
function constraintIn(message: string): string | undefined {
  return /constraint failed: (.+)$/.exec(message)?.[1];
}

/** The process has ended. */
export function processLost(how: string): ConnectionLostError {
  return new ConnectionLostError(`the process that had the SQLite database open has ended (${how})`);
}
