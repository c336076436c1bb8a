import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { inspect } from "node:util";
import { type Duration, milliseconds } from "brio";
import { Database, type DatabaseOptions } from "../database/database.ts";
import type { Driver, DriverConnection } from "../database/driver.ts";
import { perform } from "../database/perform.ts";
import type { PoolStatistics } from "../pool/options.ts";
import { Pool } from "../pool/pool.ts";
import { compile } from "../statement/compile.ts";
import { SQLITE } from "../statement/dialect.ts";
import { sql } from "../statement/sql.ts";
import { Launcher } from "./launcher.ts";
import type { Start } from "./process/protocol.ts";

/** Options of {@link sqlite}. */
export interface SqliteOptions extends Omit<DatabaseOptions, "max" | "min"> {
  /** Where the database is; made if it is not there. ":memory:" is one of this object's own, gone when it is closed. */
  readonly file: string;
  /** At most so many processes that only read, beside the one that writes. Default 4. */
  readonly readers?: number;
  /** How long a statement waits while another program writes. Default "5s". */
  readonly busyTimeout?: Duration;
  /** How sure a commit is: "full" survives the loss of power, "normal" all else. Default "full"; "off" for ":memory:". */
  readonly synchronous?: "off" | "normal" | "full" | "extra";
  /**
   * The URL of a module: the functions that it exports can be called in SQL, by their names; so can aggregates, which are
   * objects with `start`, `step` and `result`. Needs Node's own SQLite: Node >= 22.16.
   */
  readonly functions?: string | URL;
}

/** How many writers and readers there are. */
export interface SqliteStatistics extends PoolStatistics {
  readonly readers: PoolStatistics;
}

const driver: Driver = {
  dialect: SQLITE,
  maxParameters: 32_766,
  // Who is going to write says so: a lock that is taken later may be refused, as what was read is old by then.
  begin: ({ readOnly }) => [readOnly ? "begin" : "begin immediate"],
};

/** A SQLite database. Made by {@link sqlite}. */
export class SqliteDatabase extends Database {
  private readonly readers: Pool<DriverConnection>;
  private readonly launchers: readonly [writing: Launcher, reading: Launcher];
  private readonly folder: string | null;
  private readonly lent = new WeakSet<DriverConnection>();

  /** @internal */
  constructor(options: SqliteOptions) {
    const { file, readers = 4, functions } = options;
    if (typeof file !== "string" || file === "") {
      throw new TypeError(`file must be a path, such as sqlite({ file: "app.db" }); got ${inspect(file)}`);
    }
    const folder = file === ":memory:" ? mkdtempSync(join(tmpdir(), "brio-sqlite-")) : null;
    const start: Omit<Start, "readOnly"> = {
      file: folder === null ? resolve(file) : join(folder, "database"),
      busyTimeout: milliseconds(options.busyTimeout ?? "5s", "busyTimeout"),
      synchronous: options.synchronous ?? (folder === null ? "full" : "off"),
      functions: functions === undefined ? null : String(functions),
    };
    const limits = { ...options, min: 0, checkAfter: null, maxLifetime: null };
    const writing = new Launcher({ ...start, readOnly: false });
    const reading = new Launcher({ ...start, readOnly: true });
    super(driver, () => writing.launch(), { ...limits, max: 1 });
    this.readers = new Pool(() => reading.launch(), { ...limits, max: readers });
    this.launchers = [writing, reading];
    this.folder = folder;
  }

  /**
   * Writes a copy of the database, as it is now, into a file, while others go on reading and writing.
   *
   * *Cancel safety*: cancelled, a part of the file may be there.
   *
   * @throws SqlError if there is such a file already; otherwise as `query`.
   *
   * @example
   * ```ts
   * import { sql } from "@brio/sql";
   * import { sqlite } from "@brio/sql/sqlite";
   * import { run } from "brio";
   * import { temporaryDirectory } from "brio/files";
   *
   * await run(async () => {
   *   await using folder = await temporaryDirectory();
   *   await using db = sqlite({ file: `${folder.path}/app.db` });
   *   await db.execute(sql`create table t as select 7 as a`);
   *   await db.backup(`${folder.path}/copy.db`);
   *   await using copy = sqlite({ file: `${folder.path}/copy.db` });
   *   console.log(await copy.one(sql`select a from t`)); // { a: 7 }
   * });
   * ```
   */
  async backup(file: string): Promise<void> {
    const connection = await this.launchers[0].launch();
    try {
      const statement = compile(sql`vacuum into ${resolve(file)}`, SQLITE);
      await perform(connection, this.patience, () => connection.run(statement, true));
    } finally {
      connection.destroy();
    }
  }

  /** The state of its pools: of the one that writes, and of those that read. */
  override statistics(): SqliteStatistics {
    return { ...super.statistics(), readers: this.readers.statistics() };
  }

  /**
   * Waits for what is running, and closes all.
   *
   * *Cancel safety*: cancelled, it ends what is still running 5 seconds later.
   */
  override async close(): Promise<void> {
    try {
      await this.readers.close();
    } finally {
      try {
        await super.close();
      } finally {
        for (const launcher of this.launchers) launcher.close();
        if (this.folder !== null) rmSync(this.folder, { recursive: true, force: true });
      }
    }
  }

  /** @internal */
  protected override borrowReady(text: string | null): DriverConnection | null {
    if (text === null || !onlyReads(text)) return super.borrowReady(text);
    const connection = this.readers.takeReady();
    if (connection !== null) this.lent.add(connection);
    return connection;
  }

  /** @internal What only reads goes to a reader. */
  protected override async borrow(text: string | null): Promise<DriverConnection> {
    if (text === null || !onlyReads(text)) return await super.borrow(text);
    const connection = await this.readers.take();
    this.lent.add(connection);
    return connection;
  }

  /** @internal */
  protected override giveBack(connection: DriverConnection): void {
    if (this.lent.delete(connection)) this.readers.release(connection);
    else super.giveBack(connection);
  }
}

/** Is it certain that a statement only reads? What is not goes to the writer, which can do all. */
function onlyReads(text: string): boolean {
  const start = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*(select|values|explain|with)\b/i.exec(text);
  if (start === null) return false;
  return start[1]?.toLowerCase() !== "with" || !/\b(?:insert|update|delete|replace)\b/i.test(text);
}

/**
 * A SQLite database, in processes beside the program: one that writes, and some that read meanwhile (WAL). So no statement
 * holds up the loop, and a statement that is cancelled really stops.
 *
 * A transaction begins with its first statement, in one way to the process: until then it locks nothing.
 *
 * @throws TypeError or RangeError for options; the database is opened when it is first asked.
 *
 * @example
 * ```ts
 * import { run, timeout, TimeoutError } from "brio";
 * import { sql } from "@brio/sql";
 * import { sqlite } from "@brio/sql/sqlite";
 *
 * await run(async () => {
 *   await using db = sqlite({ file: ":memory:" });
 *   const endless = sql`with recursive r (n) as (select 1 union all select n + 1 from r) select count(*) from r`;
 *   try {
 *     await timeout("100ms", () => db.query(endless));
 *   } catch (error) {
 *     console.log(error instanceof TimeoutError); // true
 *   }
 *   console.log(await db.one(sql`select 1 as one`)); // { one: 1 }
 * });
 * ```
 */
export function sqlite(options: SqliteOptions): SqliteDatabase {
  return new SqliteDatabase(options);
}
