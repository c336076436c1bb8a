import { DatabaseSync } from "node:sqlite";
import type { Connect, Item } from "../sql.ts";

/**
 * node:sqlite, in the thread of the program: it has no way to a thread or a process, and nothing else runs until a
 * statement has ended. So it has no use for more than one connection.
 */
export const sqlite: Connect = ({ connection }) => {
  const database = new DatabaseSync(String(connection.file));
  const select = database.prepare("select id, name, score from items where id = ?");
  const insert = database.prepare("insert into written (id, name, score) values (?, ?, ?)");
  const score = database.prepare("select score from items where id = ?");
  const change = database.prepare("update items set score = ? where id = ?");
  const all = database.prepare(`
    select a.id * 1000 + b.id as id, b.name, b.score from items a cross join items b
    where a.id <= ? and b.id <= ?`);
  const transaction = <T>(fn: () => T): T => {
    database.exec("begin immediate");
    try {
      const result = fn();
      database.exec("commit");
      return result;
    } catch (error) {
      database.exec("rollback");
      throw error;
    }
  };
  return {
    select: (id) => select.get(id) as unknown as Item, // there is one
    insert: (row) => Number(insert.run(...row).changes),
    increment: (id) =>
      transaction(() => {
        const item = score.get(id) as unknown as Item; // there is one
        change.run(item.score + 1, id);
        return item.score;
      }),
    bulk: (rows) =>
      transaction(() => {
        for (const row of rows) insert.run(...row);
        return rows.length;
      }),
    sum: (side) => {
      let sum = 0;
      for (const { id } of all.iterate(side, side) as unknown as Iterable<Item>) sum += id;
      return sum;
    },
    close: () => database.close(),
  };
};
