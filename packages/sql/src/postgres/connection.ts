import type pg from "pg";
import type PgCursor from "pg-cursor";
import { ClientConnection } from "../database/client-connection.ts";
import type { Cursor, Loader, Result } from "../database/driver.ts";
import { optionalDriver } from "../database/optional-driver.ts";
import { ReadAhead } from "../database/read-ahead.ts";
import type { Compiled } from "../statement/compile.ts";
import { cancelRequest, type PgClient, type PgConnectionClass } from "./cancel-request.ts";
import { copyInto } from "./copy.ts";
import { QUERY_CANCELED, STALE_PLAN, translate } from "./errors.ts";

/** What of pg is used, beside what its declarations say. */
export interface Pg {
  readonly Client: typeof pg.Client;
  readonly Connection: PgConnectionClass;
  readonly types: typeof pg.types;
}

type TypeParsers = { getTypeParser: typeof pg.types.getTypeParser };

/** What a connection has of its database. */
export interface PostgresKit {
  readonly pg: Pg;
  readonly types: TypeParsers;
  /** Are statements of the program prepared, and kept? */
  readonly prepare: boolean;
}

/** A client of pg. */
export class PostgresConnection extends ClientConnection<PgClient> {
  private readonly kit: PostgresKit;
  private readonly giveBack: ((error?: boolean) => void) | null;
  /** What pg is told of the statements that are prepared on this connection, by their texts. */
  private readonly prepared = new Map<string, Prepared>();

  /** @param giveBack how the client goes back to the pool it came from, if it did */
  constructor(client: PgClient, kit: PostgresKit, giveBack: ((error?: boolean) => void) | null = null) {
    super(client, giveBack !== null);
    this.kit = kit;
    this.giveBack = giveBack;
  }

  run(statement: Compiled, arrays: boolean): Promise<Result> {
    return this.ask(this.configOf(statement), statement, arrays);
  }

  /** A table has changed since the statement was prepared: in a transaction that can't be mended. */
  private async again(error: Error, statement: Compiled, arrays: boolean): Promise<Result> {
    this.distrust();
    // pg is told of the error first, and then of the transaction.
    await Promise.resolve();
    if (this.raw.getTransactionStatus() === "E") throw error;
    return await this.ask(new Prepared(statement, this.kit, undefined), statement, arrays);
  }

  async open({ text, parameters }: Compiled): Promise<Cursor> {
    const { default: Cursor } = await optionalDriver("pg-cursor", () => import("pg-cursor"));
    const cursor = this.raw.query(new Cursor(text, parameters, { types: this.kit.types }));
    return new ReadAhead({ read: (count) => cursor.read(count), close: () => this.end(cursor) });
  }

  /** pg-cursor waits for the server's answer, and for ever if the connection breaks before it. */
  private async end(cursor: PgCursor): Promise<void> {
    if (this.gone) return;
    let over = (): void => {};
    const broken = new Promise<void>((resolve) => {
      over = resolve;
    });
    this.raw.once("end", over);
    await Promise.race([cursor.close(), broken]);
    this.raw.off("end", over);
  }

  load = (table: string, columns: readonly string[]): Promise<Loader> => copyInto(this.raw, table, columns);

  stop(patience: number): Promise<void> {
    return cancelRequest(this.kit.pg.Connection, this.raw, patience);
  }

  /** If the server says that it was stopped, no request is on its way any more. */
  certain(error: unknown): boolean {
    return (error as { code?: unknown } | undefined)?.code === QUERY_CANCELED;
  }

  protected translated(error: unknown): unknown {
    return translate(error);
  }

  async check(): Promise<void> {
    await this.raw.query("select 1");
  }

  async close(): Promise<void> {
    this.leave();
    if (this.giveBack !== null) this.giveBack();
    else await this.raw.end();
  }

  destroy(): void {
    if (this.giveBack !== null && !this.gone) {
      this.leave();
      this.giveBack(true);
    }
    this.gone = true;
    this.raw.connection.stream.destroy();
  }

  private configOf(statement: Compiled): Prepared {
    if (!statement.constant || !this.kit.prepare) return new Prepared(statement, this.kit, undefined);
    let prepared = this.prepared.get(statement.text);
    if (prepared === undefined) {
      prepared = new Prepared(statement, this.kit, `brio_${this.prepared.size + 1}`);
      this.prepared.set(statement.text, prepared);
    }
    return prepared;
  }

  private ask(prepared: Prepared, statement: Compiled, arrays: boolean): Promise<Result> {
    // pg copies what it is given, but not what that has inherited.
    const config = Object.create(prepared) as pg.QueryConfig & { rowMode?: "array" };
    config.values = statement.parameters;
    if (arrays) config.rowMode = "array";
    return new Promise((resolve, reject) => {
      // With a callback: pg would take a stack for each promise of its own.
      this.raw.query(config, (error: Error | null, result: PgResult | PgResult[]) => {
        if (error === null) resolve(resultOf(result));
        else if (prepared.name !== undefined && (error as { code?: unknown }).code === STALE_PLAN) {
          resolve(this.again(error, statement, arrays));
        } else reject(error);
      });
    });
  }
}

/** What of a statement's configuration is the same each time. */
class Prepared {
  readonly text: string;
  readonly types: TypeParsers;
  readonly name: string | undefined;
  readonly queryMode: "extended" | undefined;

  constructor({ text, script }: Compiled, { types }: PostgresKit, name: string | undefined) {
    this.text = text;
    this.types = types;
    this.name = name;
    // Only what the program wrote itself may be several statements.
    this.queryMode = script ? undefined : "extended";
  }
}

/** What pg gives: with several statements, one for each. */
interface PgResult {
  readonly fields: readonly { readonly name: string }[];
  readonly rows: unknown[];
  readonly rowCount: number | null;
}

function resultOf(result: PgResult | PgResult[]): Result {
  const last = Array.isArray(result) ? (result.at(-1) as PgResult) : result; // there is at least one
  return {
    columns: last.fields.map(({ name }) => name),
    rows: last.rows,
    affected: last.rowCount ?? 0,
    insertId: null,
  };
}
