import type mysql from "mysql2";
import { ClientConnection } from "../database/client-connection.ts";
import type { Cursor, Result } from "../database/driver.ts";
import type { Compiled } from "../statement/compile.ts";
import { ConnectionLostError } from "../statement/errors.ts";
import { QUERY_INTERRUPTED, translate } from "./errors.ts";
import { bigColumns, bigPlaces, exact, type Field, type RowCommand, RowStream } from "./row-stream.ts";

/** What of mysql2's connections is used, beside what their declarations say. */
export interface MysqlClient extends Omit<mysql.Connection, "threadId"> {
  readonly stream: { destroy(error?: Error): void };
  readonly threadId: number | null;
  /** Of one that a pool has made. */
  release?(): void;
}

/** How values are read: see the docs. */
export const READING = {
  supportBigNumbers: true,
  dateStrings: ["DATE"] as ("DATE" | "DATETIME" | "TIMESTAMP")[],
};

/** What mysql2 gives for a statement without rows. */
interface Header {
  readonly affectedRows: number;
  readonly insertId: number | string;
}

/** A connection of mysql2. */
export class MysqlConnection extends ClientConnection<MysqlClient> {
  readonly load = null;
  private readonly kill: (threadId: number, patience: number) => Promise<void>;
  /** The rows that are being read, for `stop`. */
  private streaming: RowStream | null = null;

  /** @param kill stops what a connection does, over another one */
  constructor(
    client: MysqlClient,
    kill: (threadId: number, patience: number) => Promise<void>,
    adopted = false,
  ) {
    super(client, adopted);
    this.kill = kill;
  }

  run({ text, parameters }: Compiled, arrays: boolean): Promise<Result> {
    return new Promise((resolve, reject) => {
      // mysql2 does not always answer for a connection that is broken.
      if (this.gone) throw new ConnectionLostError("the connection to MySQL is lost");
      const options = { ...READING, sql: text, rowsAsArray: arrays };
      const done = (error: Error | null, result: unknown, fields: unknown): void => {
        if (error) reject(error);
        else resolve(resultOf(result as unknown[] | Header, fields as Field[] | undefined, arrays));
      };
      // What has no parameters needn't be prepared, and some of it can't be.
      if (parameters.length === 0) this.raw.query(options, done);
      else this.raw.execute({ ...options, values: parameters as string[] }, done);
    });
  }

  async open({ text, parameters }: Compiled): Promise<Cursor> {
    if (this.gone) throw new ConnectionLostError("the connection to MySQL is lost");
    const options = { ...READING, sql: text };
    const command =
      parameters.length === 0
        ? this.raw.query(options)
        : this.raw.execute({ ...options, values: parameters as string[] });
    const rows = new RowStream(command as unknown as RowCommand); // of both commands
    this.streaming = rows;
    return {
      read: (count) => rows.read(count),
      close: async () => {
        if (!rows.over && !this.gone) await this.drop(rows);
        this.streaming = null;
      },
    };
  }

  /** The server is sending rows that nobody wants. */
  private async drop(rows: RowStream): Promise<void> {
    const late = setTimeout(() => this.destroy(), PATIENCE);
    try {
      await this.kill(this.raw.threadId ?? 0, PATIENCE);
      if (!this.certain(await rows.drain())) this.distrust();
    } catch {
      this.destroy();
    } finally {
      clearTimeout(late);
    }
  }

  async stop(patience: number): Promise<void> {
    // The error comes behind the rows that are on their way.
    void this.streaming?.drain();
    await this.kill(this.raw.threadId ?? 0, patience);
  }

  /** If the server says that it was interrupted, no request is on its way any more. */
  certain(error: unknown): boolean {
    return (error as { errno?: unknown } | undefined)?.errno === QUERY_INTERRUPTED;
  }

  protected translated(error: unknown): unknown {
    return translate(error);
  }

  check(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.raw.ping((error: Error | null) => (error ? reject(error) : resolve()));
    });
  }

  close(): Promise<void> {
    this.leave();
    if (this.adopted) {
      this.raw.release?.();
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.raw.end((error?: Error | null) => (error ? reject(error) : resolve()));
    });
  }

  destroy(): void {
    if (this.adopted && !this.gone) this.raw.destroy();
    this.gone = true;
    // What runs is told: by mysql2, but not in all its states, if it is a stream.
    this.streaming?.fail(new ConnectionLostError("the connection to MySQL was cut"));
    this.raw.stream.destroy(Object.assign(new Error("it was cut"), { code: "ECONNABORTED" }));
  }
}

/** How long the rest of a result that nobody wants may take to end. */
const PATIENCE = 5000;

function resultOf(result: unknown[] | Header, fields: Field[] | undefined, arrays: boolean): Result {
  if (!Array.isArray(result)) {
    const { affectedRows, insertId } = result;
    return {
      columns: [],
      rows: [],
      affected: affectedRows,
      insertId: insertId ? (exact(insertId) as number) : null,
    };
  }
  const columns = fields?.map(({ name }) => name) ?? [];
  // In a list by its place: a name may be there twice.
  const big = arrays ? bigPlaces(fields) : bigColumns(fields);
  if (big.length > 0) {
    for (const row of result as Record<string | number, unknown>[]) {
      for (const key of big) row[key] = exact(row[key]);
    }
  }
  return { columns, rows: result, affected: 0, insertId: null };
}
