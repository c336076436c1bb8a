export { type DrizzleCallback, drizzleCallback } from "./builders/drizzle.ts";
export { type KyselyConnection, type KyselyDriver, kyselyDriver } from "./builders/kysely.ts";
export { Database, type DatabaseOptions } from "./database/database.ts";
export type { Isolation, TransactionOptions } from "./database/driver.ts";
export { type Executed, Queryable, type Rows, type StreamOptions, type Table } from "./database/queryable.ts";
export { Session, Transaction } from "./database/session.ts";
export type { PoolOptions, PoolStatistics } from "./pool/options.ts";
export { Pool, type Poolable } from "./pool/pool.ts";
export {
  CommitUnknownError,
  ConflictError,
  ConnectError,
  ConnectionLostError,
  ConstraintError,
  type ConstraintKind,
  PoolError,
  RowCountError,
  SqlError,
  type SqlErrorOptions,
  StatementStoppedError,
  StorageFullError,
} from "./statement/errors.ts";
export type { Identifier, Json } from "./statement/fragments.ts";
export { type AnyRow, type Hole, type Sql, type SqlTag, sql, type Value } from "./statement/sql.ts";
