import { Worker } from "node:worker_threads";
import type { Peer } from "../peer.ts";
import { type Client, type Connect, endClients, type Item, sqlPrograms, type Tuple } from "../sql.ts";
import type { Request } from "./worker.ts";

/** What one writes by hand, so that statements don't hold up the loop: a thread with a connection, which answers in order. */
class Thread {
  private readonly worker: Worker;
  private readonly waiting: ((answer: unknown) => void)[] = [];
  private failure: Error | undefined;

  constructor(file: string) {
    this.worker = new Worker(new URL("worker.ts", import.meta.url), { workerData: file });
    this.worker.on("message", (answer) => this.waiting.shift()?.(answer));
    this.worker.on("error", (error) => {
      this.failure = error as Error;
      throw error;
    });
  }

  async ask<T>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    return await this.request<T[]>({ type: "rows", text, values });
  }

  async run(text: string, values: readonly unknown[] = []): Promise<number> {
    return await this.request<number>({ type: "run", text, values });
  }

  request<T>(request: Request): Promise<T> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve) => {
      this.waiting.push(resolve as (answer: unknown) => void); // as the request says
      this.worker.postMessage(request);
    });
  }

  end(): Promise<unknown> {
    return this.worker.terminate();
  }
}

/** How many rows are read at a time. */
const BATCH = 1000;
const INSERT = "insert into written (id, name, score) values (?, ?, ?)";

const connect: Connect = ({ connection }, connections): Client => {
  const threads = Array.from({ length: connections }, () => new Thread(String(connection.file)));
  let turn = 0;
  /** In turn: a thread that has something to do does it later. */
  const next = (): Thread => threads[turn++ % connections] as Thread; // there are so many
  return {
    select: async (id) => {
      const [item] = await next().ask<Item>("select id, name, score from items where id = ?", [id]);
      return item as Item; // there is one
    },
    insert: (row) => next().run(INSERT, row),
    increment: async (id) => {
      const thread = next();
      await thread.run("begin immediate");
      try {
        const [item] = await thread.ask<Item>("select score from items where id = ?", [id]);
        const { score } = item as Item; // there is one
        await thread.run("update items set score = ? where id = ?", [score + 1, id]);
        await thread.run("commit");
        return score;
      } catch (error) {
        await thread.run("rollback");
        throw error;
      }
    },
    bulk: (rows) => next().request<number>({ type: "many", text: INSERT, rows: rows as Tuple[] }),
    sum: async (side) => {
      const thread = next();
      const text = `
        select a.id * 1000 + b.id as id, b.name, b.score from items a cross join items b
        where a.id <= ? and b.id <= ?`;
      await thread.request({ type: "open", text, values: [side, side] });
      let sum = 0;
      // The next are asked for while these are used.
      let ahead = thread.request<Item[]>({ type: "next", count: BATCH });
      for (;;) {
        const rows = await ahead;
        if (rows.length === BATCH) ahead = thread.request<Item[]>({ type: "next", count: BATCH });
        for (const { id } of rows) sum += id;
        if (rows.length < BATCH) return sum;
      }
    },
    close: () => Promise.all(threads.map((thread) => thread.end())),
  };
};

const peer: Peer = {
  main: async (measurement) => {
    await measurement();
    await endClients();
  },
  programs: sqlPrograms("sqlite", connect, (functions) => Promise.all(functions.map((each) => each()))),
};

export default peer;
