import type { Database } from "@brio/sql";
import { kyselyDriver } from "@brio/sql";
import {
  type Dialect,
  Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import type { Kind } from "./databases.ts";

const PARTS = {
  postgres: [PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler],
  mysql: [MysqlAdapter, MysqlIntrospector, MysqlQueryCompiler],
  sqlite: [SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler],
} as const;

/** Kysely, with the database under it. */
export function kyselyOn<Tables>(db: Database, name: Kind["name"]): Kysely<Tables> {
  const [Adapter, Introspector, Compiler] = PARTS[name];
  const dialect: Dialect = {
    createAdapter: () => new Adapter(),
    createDriver: () => kyselyDriver(db),
    createIntrospector: (kysely) => new Introspector(kysely),
    createQueryCompiler: () => new Compiler(),
  };
  return new Kysely<Tables>({ dialect });
}
