import type { Loader } from "../database/driver.ts";
import { bound } from "../statement/compile.ts";
import { SQLITE } from "../statement/dialect.ts";

/** What the connection does for it. */
export interface RowTaker {
  say(text: string): Promise<unknown>;
  /** @param head `insert into t (a, b)` */
  insert(head: string, rows: readonly (readonly unknown[])[]): Promise<unknown>;
}

/** Begins a bulk load: behind a savepoint, which is a transaction where there is none. */
export async function loadRows(taker: RowTaker, table: string, columns: readonly string[]): Promise<Loader> {
  const head = `insert into ${table} (${columns.join(", ")})`;
  await taker.say(`savepoint ${NAME}`);
  let count = 0;
  let last: Promise<unknown> = Promise.resolve();
  return {
    // While the process inserts these, the next are made ready.
    async write(rows) {
      const values = rows.map((row) => row.map((value, at) => bound(value, at + 1, SQLITE)));
      const before = last;
      last = taker.insert(head, values);
      last.catch(() => {});
      count += rows.length;
      await before;
    },
    async finish() {
      await last;
      await taker.say(`release ${NAME}`);
      return count;
    },
    async abort() {
      await last.catch(() => {});
      await taker.say(`rollback to ${NAME}`);
      await taker.say(`release ${NAME}`);
    },
  };
}

const NAME = "brio_load";
