import { type Executor, references, ThreadPool } from "brio/threads";
import type { Reading, Summary } from "./database.ts";

const database = references<typeof import("./database.ts")>(new URL("./database.ts", import.meta.url));

/** The readings, in an SQLite file. */
export class Store implements AsyncDisposable {
  private readonly pool: Executor & AsyncDisposable;

  constructor(path: string) {
    this.pool = new ThreadPool({
      minWorkers: 1,
      maxWorkers: 2,
      initializer: database.open,
      initializerArgs: [path],
    });
  }

  async add(sensor: string, value: number): Promise<Reading> {
    return await this.pool.submit(database.add, sensor, value);
  }

  async find(id: number): Promise<Reading | null> {
    return await this.pool.submit(database.find, id);
  }

  async page(after: number, limit: number, sensor: string | null = null): Promise<Reading[]> {
    return await this.pool.submit(database.page, after, limit, sensor);
  }

  /** All of them, page by page: no thread is taken while the reader does something else. */
  async *all(): AsyncGenerator<Reading> {
    for (let after = 0; ; ) {
      const readings = await this.page(after, 1000);
      const last = readings.at(-1);
      if (last === undefined) return;
      yield* readings;
      after = last.id;
    }
  }

  async summarize(): Promise<Summary[]> {
    return await this.pool.submit(database.summarize);
  }

  async audit(caller: string, lines: readonly string[]): Promise<void> {
    await this.pool.submit(database.audit, caller, lines);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.close();
  }
}
