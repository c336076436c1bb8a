import type { Readable } from "node:stream";
import driver, { type ResultSetHeader, type RowDataPacket } from "mysql2/promise";
import { type Client, type Connect, columns, type Item } from "../sql.ts";

const SELECT = "select id, name, score from items where id = ?";

interface Asked {
  execute(text: string, values: number[]): Promise<[rows: unknown, fields: unknown]>;
}

/** The connection with callbacks inside of one with promises, which has no streams. */
interface Inner {
  execute(text: string, values: number[]): { stream(): Readable };
}

const select = async (from: Asked, id: number): Promise<Item> => {
  const [rows] = await from.execute(SELECT, [id]);
  return (rows as Item[])[0] as Item; // there is one
};

/** mysql2, with statements that are prepared: one connection, or, for several, mysql2's own pool. */
export const mysql: Connect = async ({ connection }, connections) => {
  if (connections > 1) return pooled(driver.createPool({ ...connection, connectionLimit: connections }));
  const client = await driver.createConnection(connection);
  return {
    select: (id) => select(client, id),
    insert: async (row) => {
      const text = "insert into written (id, name, score) values (?, ?, ?)";
      const [{ affectedRows }] = await client.execute<ResultSetHeader>(text, [...row]);
      return affectedRows;
    },
    increment: async (id) => {
      await client.beginTransaction();
      try {
        const [rows] = await client.execute<RowDataPacket[]>("select score from items where id = ?", [id]);
        const { score } = rows[0] as Item & RowDataPacket; // there is one
        await client.execute("update items set score = ? where id = ?", [score + 1, id]);
        await client.commit();
        return score;
      } catch (error) {
        await client.rollback();
        throw error;
      }
    },
    bulk: async (rows) => {
      let count = 0;
      await client.beginTransaction();
      for (let at = 0; at < rows.length; at += BATCH) {
        const some = rows.slice(at, at + BATCH);
        const text = `insert into written (${columns.join(", ")}) values ?`;
        const [{ affectedRows }] = await client.query<ResultSetHeader>(text, [some]);
        count += affectedRows;
      }
      await client.commit();
      return count;
    },
    sum: async (side) => {
      const text = `select a.id * 1000 + b.id as id, b.name, b.score from items a cross join items b
        where a.id <= ? and b.id <= ?`;
      const rows = (client as unknown as { connection: Inner }).connection
        .execute(text, [side, side])
        .stream();
      let sum = 0;
      for await (const { id } of rows as AsyncIterable<Item>) sum += id;
      return sum;
    },
    close: () => client.end(),
  };
};

/** How many rows are written at a time. */
const BATCH = 1000;

function pooled(pool: driver.Pool): Client {
  const single = (): never => {
    throw new Error("a pool is for `select`");
  };
  return {
    select: (id) => select(pool, id),
    insert: single,
    increment: single,
    bulk: single,
    sum: single,
    close: () => pool.end(),
  };
}
