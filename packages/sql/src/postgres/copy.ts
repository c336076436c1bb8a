import { once } from "node:events";
import type { Loader } from "../database/driver.ts";
import { optionalDriver } from "../database/optional-driver.ts";
import { Json } from "../statement/fragments.ts";
import type { PgClient } from "./cancel-request.ts";

/** Begins a `COPY … FROM STDIN`, in PostgreSQL's text format. */
export async function copyInto(client: PgClient, table: string, columns: readonly string[]): Promise<Loader> {
  const { from } = await optionalDriver("pg-copy-streams", () => import("pg-copy-streams"));
  const stream = client.query(from(`copy ${table} (${columns.join(", ")}) from stdin`));
  let failure: Error | null = null;
  const failed = new Promise<never>((_, reject) => {
    stream.on("error", (error) => {
      failure = error;
      reject(error);
    });
  });
  failed.catch(() => {});
  return {
    async write(rows) {
      if (failure !== null) throw failure;
      const free = stream.write(lines(rows));
      if (!free) await Promise.race([once(stream, "drain"), failed]);
    },
    async finish() {
      stream.end();
      await Promise.race([once(stream, "finish"), failed]);
      return stream.rowCount;
    },
    async abort() {
      if (stream.destroyed) return;
      const closed = once(stream, "close").catch(() => {});
      stream.destroy();
      await closed;
    },
  };
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

const MARKS = /[\\\n\r\t]/;

/** A line for each row. It is put together piece by piece: lists of pieces would cost twice as much. */
function lines(rows: readonly (readonly unknown[])[]): string {
  let all = "";
  for (const row of rows) {
    for (let at = 0; at < row.length; at++) all += at === 0 ? field(row[at]) : `\t${field(row[at])}`;
    all += "\n";
  }
  return all;
}

/** A value between two tabs. */
function field(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (value === null) return "\\N";
  const written = text(value);
  if (!MARKS.test(written)) return written;
  return written.replace(/[\\\n\r\t]/g, (mark) => ESCAPES[mark] as string); // one of the four
}

/** A value as the server reads it from a text. */
function text(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "bigint":
    case "boolean":
      return String(value);
  }
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Json) return value.text;
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`;
  if (Array.isArray(value)) return `{${value.map(item).join(",")}}`;
  throw new TypeError(
    `bulkInsert() got a value that can't be stored, of type ${typeof value}: use null for none, sql.json(value) for JSON`,
  );
}

function item(value: unknown): string {
  if (value === null) return "NULL";
  if (Array.isArray(value)) return text(value);
  return `"${text(value).replace(/["\\]/g, "\\$&")}"`;
}
