import type { Queryable } from "../database/queryable.ts";
import { sql } from "../statement/sql.ts";

/** What Drizzle's proxy drivers call: `drizzle-orm/pg-proxy`, `mysql-proxy` and `sqlite-proxy`. */
export type DrizzleCallback = (
  text: string,
  parameters: unknown[],
  method: "all" | "execute" | "run" | "get" | "values",
) => Promise<{
  // biome-ignore lint/suspicious/noExplicitAny: as Drizzle has it
  rows: any[];
}>;

/**
 * What lets Drizzle ask a database, a transaction or a session: give it to the `drizzle` of its proxy driver. In a
 * transaction of `db.transaction`, make one for `tx`.
 *
 * *Cancel safety*: as `query`.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { drizzleCallback } from "@brio/sql";
 * import { sqlite } from "@brio/sql/sqlite";
 * import { drizzle } from "drizzle-orm/sqlite-proxy";
 * import { sql } from "drizzle-orm";
 *
 * await run(async () => {
 *   await using db = sqlite({ file: ":memory:" });
 *   console.log(await drizzle(drizzleCallback(db)).all(sql`select 1 + 1`)); // [ [ 2 ] ]
 * });
 * ```
 */
export function drizzleCallback(db: Queryable): DrizzleCallback {
  const { name } = db.driver.dialect;
  return async (text, parameters, method) => {
    const statement = sql.unsafe(text, parameters);
    if (method === "run" || (method === "execute" && name === "mysql")) {
      const { affected, insertId } = await db.execute(statement);
      return { rows: [{ affectedRows: affected, insertId: insertId ?? 0 }] };
    }
    if (method === "execute") return { rows: await db.query(statement) };
    const { rows } = await db.table(statement);
    const lists = name === "mysql" ? rows.map((row) => row.map(asText)) : [...rows];
    // sqlite-proxy wants the row itself.
    return { rows: method === "get" ? (lists[0] as unknown[]) : lists };
  };
}

/** Drizzle's columns of MySQL read points in time as texts. */
function asText(value: unknown): unknown {
  return value instanceof Date ? value.toISOString().slice(0, -1).replace("T", " ") : value;
}
