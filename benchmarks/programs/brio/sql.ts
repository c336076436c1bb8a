import { type Database, sql } from "@brio/sql";
import { mysql } from "@brio/sql/mysql";
import { postgres } from "@brio/sql/postgres";
import { sqlite } from "@brio/sql/sqlite";
import { run, taskGroup } from "brio";
import type { Peer } from "../peer.ts";
import { type Client, columns, endClients, type Item, sqlPrograms, type Together } from "../sql.ts";

/** The same for all databases. */
const client = (db: Database): Client => ({
  select: (id) => db.one(sql<Item>`select id, name, score from items where id = ${id}`),
  insert: async ([id, name, score]) =>
    (await db.execute(sql`insert into written (id, name, score) values (${id}, ${name}, ${score})`)).affected,
  increment: (id) =>
    db.transaction(async (tx) => {
      const { score } = await tx.one(sql<Item>`select score from items where id = ${id}`);
      await tx.execute(sql`update items set score = ${score + 1} where id = ${id}`);
      return score;
    }),
  bulk: (rows) => db.bulkInsert("written", columns, rows),
  sum: async (side) => {
    let sum = 0;
    const rows = db.stream(sql<Item>`
      select a.id * 1000 + b.id as id, b.name, b.score from items a cross join items b
      where a.id <= ${side} and b.id <= ${side}`);
    for await (const { id } of rows) sum += id;
    return sum;
  },
  close: () => db.close(),
});

const together: Together = (functions) =>
  taskGroup(async (group) => {
    for (const each of functions) group.createTask(each);
  });

const peer: Peer = {
  main: (measurement) =>
    run(async () => {
      await measurement();
      await endClients();
    }),
  programs: {
    ...sqlPrograms("postgres", ({ connection }, max) => client(postgres({ connection, max })), together),
    ...sqlPrograms("mysql", ({ connection }, max) => client(mysql({ connection, max })), together),
    ...sqlPrograms(
      "sqlite",
      ({ connection }, readers) => client(sqlite({ file: String(connection.file), readers })),
      together,
    ),
  },
};

export default peer;
