/** A schema, a database or a file of a program's own, with the tables in it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import mysql from "mysql2/promise";
import pg from "pg";
import { addresses } from "../harness/needs.ts";

export type DatabaseName = "postgres" | "mysql" | "sqlite";

export interface Place {
  /** Options of pg's clients, or mysql2's; or { file }. */
  readonly connection: Readonly<Record<string, unknown>>;
  /** Takes it away. @returns how many rows are in `written` */
  remove(): Promise<number>;
}

let count = 0;
const unique = (): string => `brio_bench_${process.pid}_${++count}`;

/** `items` has keys from 1; `written` is empty. */
const tables = ["items", "written"].map(
  (name) =>
    `create table ${name} (id integer primary key, name varchar(40) not null, score integer not null)`,
);
const WRITTEN = "select count(*) as n from written";

const postgres = async (items: number, name: string): Promise<Place> => {
  const schema = unique();
  const connection = {
    ...addresses.PostgreSQL,
    user: "root",
    database: "test",
    options: `-c search_path=${schema}`,
  };
  const admin = new pg.Client(connection);
  await admin.connect();
  for (const text of [`create schema ${schema}`, ...tables]) await admin.query(text);
  await admin.query("insert into items select id, $1, 0 from generate_series(1, $2::int) id", [name, items]);
  await admin.query("vacuum analyze items");
  return {
    connection,
    remove: async () => {
      const { rows } = await admin.query<{ n: string }>(WRITTEN);
      await admin.query(`drop schema ${schema} cascade`);
      await admin.end();
      return Number(rows[0]?.n);
    },
  };
};

/** A row for each item, as a list. */
const tuples = (items: number, name: string): unknown[][] =>
  Array.from({ length: items }, (_, at) => [at + 1, name, 0]);

const inMysql = async (items: number, name: string): Promise<Place> => {
  const database = unique();
  const connection = { ...addresses.MySQL, user: "root" };
  const admin = await mysql.createConnection(connection);
  for (const text of [`create database ${database}`, `use ${database}`, ...tables]) await admin.query(text);
  await admin.query("insert into items values ?", [tuples(items, name)]);
  return {
    connection: { ...connection, database },
    remove: async () => {
      const [rows] = await admin.query(WRITTEN);
      await admin.query(`drop database ${database}`);
      await admin.end();
      return (rows as { n: number }[])[0]?.n ?? -1; // it is a row with a count
    },
  };
};

/** With a write-ahead log, as all peers have it: it stays with the file. */
const sqlite = async (items: number, name: string): Promise<Place> => {
  const folder = mkdtempSync(join(tmpdir(), "brio-bench-"));
  const file = join(folder, "database");
  const admin = new DatabaseSync(file);
  for (const text of ["pragma journal_mode = wal", ...tables, "begin"]) admin.exec(text);
  const insert = admin.prepare("insert into items values (?, ?, ?)");
  for (const row of tuples(items, name)) insert.run(...(row as string[]));
  admin.exec("commit");
  admin.close();
  return {
    connection: { file },
    remove: async () => {
      const last = new DatabaseSync(file);
      const found = last.prepare(WRITTEN).get() as { n: number }; // it is a row with a count
      last.close();
      rmSync(folder, { recursive: true });
      return found.n;
    },
  };
};

/** @param items how many rows `items` has, with `name` in each */
export const places: Readonly<Record<DatabaseName, (items: number, name: string) => Promise<Place>>> = {
  postgres,
  mysql: inMysql,
  sqlite,
};
