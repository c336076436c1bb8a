/**
 * SQL: what brio costs beside the driver that it stands on ("native"), and beside what Python has. PostgreSQL and MySQL
 * (or MariaDB) must be there: BRIO_POSTGRES, BRIO_MYSQL.
 */

import type { Service } from "../harness/needs.ts";
import type { PeerName } from "../harness/peers.ts";
import type { Load, Row } from "../harness/row.ts";

interface Kind {
  /** What the names of its rows begin with. */
  readonly prefix: string;
  readonly title: string;
  readonly peers: readonly PeerName[];
  readonly needs?: Service;
}

const kinds: readonly Kind[] = [
  { prefix: "sqlite", title: "SQLite", peers: ["brio", "native", "sqlite-thread", "aiosqlite"] },
  {
    prefix: "postgres",
    title: "PostgreSQL",
    peers: ["brio", "native", "asyncpg", "aiopg"],
    needs: "PostgreSQL",
  },
  { prefix: "mysql", title: "MySQL", peers: ["brio", "native", "aiomysql"], needs: "MySQL" },
];

const work: readonly (readonly [name: string, title: string, load: Load])[] = [
  ["select", "read one row by its key", { tasks: 1, turns: 50 }],
  ["insert", "insert one row, and commit", { tasks: 1, turns: 5 }],
  ["transaction", "transaction that reads a row and changes it", { tasks: 1, turns: 5 }],
  ["bulk", "insert 10,000 rows, per row", { tasks: 1, turns: 10_000 }],
  ["stream", "read 1,000,000 rows one after the other, per row", { tasks: 1, turns: 1_000_000 }],
  ["pool", "64 tasks read rows by their keys, over 10 connections, per row", { tasks: 64, turns: 10 }],
];

export const sql: readonly Row[] = kinds.flatMap(({ prefix, title, peers, needs }) =>
  work.map(
    ([name, does, load]): Row => ({
      name: `${prefix}-${name}`,
      group: "sql",
      title: `${title}: ${does}`,
      measure: "time",
      unit: "ns",
      better: "lower",
      load,
      peers,
      ...(needs === undefined ? undefined : { needs }),
    }),
  ),
);
