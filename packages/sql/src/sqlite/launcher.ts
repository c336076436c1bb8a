import { interruptible } from "brio";
import { ConnectError } from "../statement/errors.ts";
import { SqliteConnection } from "./connection.ts";
import type { Start } from "./process/protocol.ts";

/**
 * Starts the processes that have the database open. That takes some time: so one whose task was cancelled meanwhile is
 * kept for the next, and when one is about to be ended, another is started.
 */
export class Launcher {
  private readonly start: Start;
  /** Those that nobody waits for. */
  private readonly spare: Promise<SqliteConnection>[] = [];
  private closed = false;

  constructor(start: Start) {
    this.start = start;
  }

  /** *Cancel safety*: cancelled, it has given none. */
  async launch(): Promise<SqliteConnection> {
    const connection = this.spare.shift() ?? this.begin();
    try {
      return await interruptible(connection);
    } catch (error) {
      // Only one that fails is not kept: then this is what it failed with.
      if (!(error instanceof ConnectError)) this.keep(connection);
      throw error;
    }
  }

  /** Ends those that nobody waits for. */
  close(): void {
    this.closed = true;
    for (const connection of this.spare.splice(0)) {
      connection.then(
        (found) => found.destroy(),
        () => {},
      );
    }
  }

  private keep(connection: Promise<SqliteConnection>): void {
    this.spare.push(connection);
    connection.catch(() => {
      const at = this.spare.indexOf(connection);
      if (at >= 0) this.spare.splice(at, 1);
    });
    if (this.closed) this.close();
  }

  private async begin(): Promise<SqliteConnection> {
    const connection = new SqliteConnection(() => {
      if (this.spare.length === 0 && !this.closed) this.keep(this.begin());
    });
    try {
      await connection.start(this.start);
      return connection;
    } catch (error) {
      connection.destroy();
      const { message, code } = error as { message: string; code?: string };
      const text = `the SQLite database ${this.start.file} can't be opened: ${message}`;
      throw new ConnectError(text, "refused", { code, cause: error });
    }
  }
}
