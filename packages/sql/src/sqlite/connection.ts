import type { Cursor, DriverConnection, Loader, Result } from "../database/driver.ts";
import { ReadAhead } from "../database/read-ahead.ts";
import type { Compiled } from "../statement/compile.ts";
import { DatabaseProcess } from "./database-process.ts";
import { loadRows } from "./load-rows.ts";
import type { Asked, ColumnsReply, RowsReply, Start } from "./process/protocol.ts";

/** How long a cancelled statement may go on by itself. Most end sooner, and then their process needn't end for them. */
const GRACE = 50;
/** Most have ended by then. */
const PROMPT = 10;

/** A process that has the database open. */
export class SqliteConnection implements DriverConnection {
  private readonly process = new DatabaseProcess();
  private trusted = true;
  private stopping: NodeJS.Timeout | null = null;
  private readonly doomed: () => void;
  /** How the transaction begins: with the next request, and with the one after that if it could not. */
  private opening: string | null = null;

  /** @param doomed is called when it may have to be ended soon */
  constructor(doomed: () => void) {
    this.doomed = doomed;
  }

  /** The number of the process. */
  get raw(): number | undefined {
    return this.process.pid;
  }

  get usable(): boolean {
    return this.trusted && this.process.alive;
  }

  distrust(): void {
    this.trusted = false;
  }

  async start(start: Start): Promise<void> {
    await this.process.ask({ type: "open", start });
  }

  begin = (text: string): void => {
    this.opening = text;
  };

  async run({ text, parameters, script }: Compiled, arrays: boolean): Promise<Result> {
    if (this.opening !== null && script && (text === "commit" || text === "rollback")) {
      this.opening = null;
      return NOTHING;
    }
    const reply = await this.ask<RowsReply>(
      script ? { type: "script", text } : { type: "run", text, parameters },
    );
    return arrays ? reply : { ...reply, rows: objects(reply) };
  }

  runAll(statements: readonly Compiled[]): Promise<number> {
    const all = statements.map(({ text, parameters }) => [text, parameters] as const);
    return this.ask<number>({ type: "runAll", statements: all });
  }

  load = (table: string, columns: readonly string[]): Promise<Loader> =>
    loadRows(
      {
        say: (text) => this.ask({ type: "script", text }),
        insert: (head, rows) => this.ask({ type: "load", head, rows }),
      },
      table,
      columns,
    );

  async open({ text, parameters }: Compiled): Promise<Cursor> {
    const { process } = this;
    await this.ask({ type: "cursor", text, parameters });
    const cursor: Cursor = {
      read: async (count) => {
        const { columns, values } = await this.ask<ColumnsReply>({ type: "read", count });
        return transposed(columns, values);
      },
      close: async () => {
        if (process.alive) await process.ask({ type: "closeCursor" });
      },
    };
    // Two: or the process would wait for the next request while an answer is on its way.
    return new ReadAhead(cursor, 2);
  }

  /**
   * SQLite can be interrupted by another thread of its own process only, and no driver that is kept up has that for
   * JavaScript. So a process that does not end its statement by itself is ended: for the database that is what a crash of
   * it would be, and SQLite is made for that.
   */
  async stop(): Promise<void> {
    if (!this.process.busy || this.stopping !== null) return;
    this.stopping = setTimeout(() => {
      this.stopping = setTimeout(() => this.destroy(), GRACE - PROMPT);
      this.doomed();
    }, PROMPT);
  }

  /** An answer belongs to its question: nothing is on its way any more. */
  certain(): boolean {
    return true;
  }

  translate(error: unknown): unknown {
    return error;
  }

  async check(): Promise<void> {
    if (!this.process.alive) throw new Error("the process has ended");
  }

  close(): Promise<void> {
    return this.process.close();
  }

  destroy(): void {
    this.process.kill();
  }

  private async ask<T>(request: Asked): Promise<T> {
    const { opening, process } = this;
    try {
      const answer =
        opening === null ? process.ask(request) : process.ask({ ...request, begin: opening }, this.begun);
      return (await answer) as T; // as the request says
    } finally {
      if (this.stopping !== null) clearTimeout(this.stopping);
      this.stopping = null;
    }
  }

  private readonly begun = (): void => {
    this.opening = null;
  };
}

const NOTHING: Result = { columns: [], rows: [], affected: 0, insertId: null };

function objects({ columns, rows }: RowsReply): unknown[] {
  return rows.map((row) => {
    const object: Record<string, unknown> = {};
    for (let i = 0; i < columns.length; i++) object[columns[i] as string] = row[i];
    return object;
  });
}

function transposed(columns: readonly string[], values: readonly unknown[][]): unknown[] {
  const names = [...columns.keys()];
  return Array.from(values[0] ?? [], (_, at) => {
    const object: Record<string, unknown> = {};
    for (const place of names) object[columns[place] as string] = values[place]?.[at];
    return object;
  });
}
