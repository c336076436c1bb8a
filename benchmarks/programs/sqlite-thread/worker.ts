/** A thread with a connection of node:sqlite. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";

export type Request =
  | { readonly type: "rows" | "run" | "open"; readonly text: string; readonly values: readonly unknown[] }
  | { readonly type: "many"; readonly text: string; readonly rows: readonly (readonly unknown[])[] }
  | { readonly type: "next"; readonly count: number };

const database = new DatabaseSync(workerData as string); // as it is started
const prepared = new Map<string, StatementSync>();
let open: Iterator<unknown> | undefined;

function statement(text: string): StatementSync {
  let found = prepared.get(text);
  if (found === undefined) {
    found = database.prepare(text);
    prepared.set(text, found);
  }
  return found;
}

function answer(request: Request): unknown {
  switch (request.type) {
    case "rows":
      return statement(request.text).all(...(request.values as number[]));
    case "run":
      return statement(request.text).run(...(request.values as number[])).changes;
    case "many": {
      const insert = statement(request.text);
      database.exec("begin immediate");
      for (const row of request.rows) insert.run(...(row as number[]));
      database.exec("commit");
      return request.rows.length;
    }
    case "open":
      open = statement(request.text).iterate(...(request.values as number[]));
      return null;
    case "next": {
      const rows: unknown[] = [];
      for (let found = open?.next(); found !== undefined && found.done !== true; found = open?.next()) {
        if (rows.push(found.value) === request.count) break;
      }
      return rows;
    }
  }
}

parentPort?.on("message", (request: Request) => parentPort?.postMessage(answer(request)));
