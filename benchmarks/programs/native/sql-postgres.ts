import { once } from "node:events";
import pg from "pg";
import { from } from "pg-copy-streams";
import Cursor from "pg-cursor";
import { type Client, type Connect, columns, type Item, type Tuple } from "../sql.ts";

const select = (id: number): pg.QueryConfig => ({
  name: "select",
  text: "select id, name, score from items where id = $1",
  values: [id],
});

/** pg, with statements that are prepared, which is faster: one client, or, for several connections, pg's own pool. */
export const postgres: Connect = async ({ connection }, connections) => {
  if (connections > 1) return pooled(new pg.Pool({ ...connection, max: connections }));
  const client = new pg.Client(connection);
  await client.connect();
  return {
    select: async (id) => (await client.query<Item>(select(id))).rows[0] as Item,
    insert: async (values) => {
      const text = "insert into written (id, name, score) values ($1, $2, $3)";
      return (await client.query({ name: "insert", text, values: [...values] })).rowCount ?? 0;
    },
    increment: async (id) => {
      await client.query("begin");
      try {
        const text = "select score from items where id = $1";
        const { rows } = await client.query<Item>({ name: "score", text, values: [id] });
        const { score } = rows[0] as Item;
        const change = "update items set score = $1 where id = $2";
        await client.query({ name: "increment", text: change, values: [score + 1, id] });
        await client.query("commit");
        return score;
      } catch (error) {
        await client.query("rollback");
        throw error;
      }
    },
    bulk: (rows) => copy(client, rows),
    sum: (side) => sum(client, side),
    close: () => client.end(),
  };
};

function pooled(pool: pg.Pool): Client {
  const single = (): never => {
    throw new Error("a pool is for `select`");
  };
  return {
    select: async (id) => (await pool.query<Item>(select(id))).rows[0] as Item,
    insert: single,
    increment: single,
    bulk: single,
    sum: single,
    close: () => pool.end(),
  };
}

/** How many rows are read, or written, at a time. */
const BATCH = 1000;

async function copy(client: pg.Client, rows: readonly Tuple[]): Promise<number> {
  const stream = client.query(from(`copy written (${columns.join(", ")}) from stdin`));
  for (let at = 0; at < rows.length; at += BATCH) {
    const some = rows.slice(at, at + BATCH);
    // The names have nothing that must be escaped.
    const free = stream.write(some.map((row) => `${row.join("\t")}\n`).join(""));
    if (!free) await once(stream, "drain");
  }
  stream.end();
  await once(stream, "finish");
  return stream.rowCount;
}

async function sum(client: pg.Client, side: number): Promise<number> {
  const text = `select a.id * 1000 + b.id as id, b.name, b.score from items a cross join items b
    where a.id <= $1 and b.id <= $2`;
  const cursor = client.query(new Cursor(text, [side, side], { types: pg.types }));
  let sum = 0;
  for (;;) {
    const rows = (await cursor.read(BATCH)) as Item[]; // as the statement says
    for (const { id } of rows) sum += id;
    if (rows.length < BATCH) break;
  }
  await cursor.close();
  return sum;
}
