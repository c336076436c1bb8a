// What is done in the database's threads: SQLite has no asynchronous calls, so each one blocks a thread of the pool, and none
// blocks the server. A request that is cancelled in the middle of a statement ends that too: its thread is stopped, and
// another takes its place.
import { DatabaseSync } from "node:sqlite";

export interface Reading {
  readonly id: number;
  readonly sensor: string;
  readonly value: number;
  readonly at: string;
}

export interface Summary {
  readonly sensor: string;
  readonly count: number;
  readonly mean: number;
  readonly least: number;
  readonly most: number;
}

let database: DatabaseSync | null = null;

/** Is called in each thread before its first call. */
export function open(path: string): void {
  database = new DatabaseSync(path);
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA busy_timeout = 5000;
    CREATE TABLE IF NOT EXISTS readings (
      id INTEGER PRIMARY KEY, sensor TEXT NOT NULL, value REAL NOT NULL, at TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS by_sensor ON readings (sensor, id);
    CREATE TABLE IF NOT EXISTS audit (at TEXT NOT NULL, caller TEXT NOT NULL, what TEXT NOT NULL);
  `);
}

function connection(): DatabaseSync {
  if (database === null) throw new Error("the database is not open in this thread");
  return database;
}

export function add(sensor: string, value: number): Reading {
  const at = new Date().toISOString();
  const { lastInsertRowid } = connection()
    .prepare("INSERT INTO readings (sensor, value, at) VALUES (?, ?, ?)")
    .run(sensor, value, at);
  return { id: Number(lastInsertRowid), sensor, value, at };
}

export function find(id: number): Reading | null {
  const row = connection().prepare("SELECT * FROM readings WHERE id = ?").get(id);
  return row === undefined ? null : ({ ...row } as unknown as Reading);
}

/** The readings that come after one, oldest first. */
export function page(after: number, limit: number, sensor: string | null): Reading[] {
  const rows = connection()
    .prepare("SELECT * FROM readings WHERE id > ? AND (sensor = ? OR ? IS NULL) ORDER BY id LIMIT ?")
    .all(after, sensor, sensor, limit);
  return rows.map((row) => ({ ...row }) as unknown as Reading);
}

export function summarize(): Summary[] {
  const rows = connection()
    .prepare(
      "SELECT sensor, count(*) AS count, avg(value) AS mean, min(value) AS least, max(value) AS most FROM readings GROUP BY sensor ORDER BY sensor",
    )
    .all();
  return rows.map((row) => ({ ...row }) as unknown as Summary);
}

export function audit(caller: string, lines: readonly string[]): void {
  const insert = connection().prepare("INSERT INTO audit (at, caller, what) VALUES (?, ?, ?)");
  for (const line of lines) insert.run(new Date().toISOString(), caller, line);
}
