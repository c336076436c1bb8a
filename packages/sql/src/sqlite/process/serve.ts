import { type Engine, openEngine, type Prepared } from "./engine.ts";
import type { Asked, ColumnsReply, RowsReply, Start } from "./protocol.ts";

/** So many rows are inserted by one statement, if they have no more parameters than SQLite takes. */
const TOGETHER = 25;
const PARAMETERS = 32_766;

/** So many prepared statements are kept. */
const KEPT = 200;

interface OpenCursor {
  readonly columns: readonly string[];
  readonly rows: Iterator<unknown[]>;
  /** Has it come to the end? */
  over: boolean;
}

/** A database that is open in this process. */
export class Served {
  private readonly engine: Engine;
  private readonly prepared = new Map<string, Prepared>();
  private cursor: OpenCursor | null = null;

  private constructor(engine: Engine) {
    this.engine = engine;
  }

  static async open(start: Start): Promise<Served> {
    const engine = await openEngine(start.file);
    engine.exec(`pragma busy_timeout = ${Math.round(start.busyTimeout)}`);
    engine.exec("pragma journal_mode = wal");
    engine.exec(`pragma synchronous = ${start.synchronous}`);
    engine.exec("pragma foreign_keys = on");
    if (start.readOnly) engine.exec("pragma query_only = on");
    if (start.functions !== null) {
      const module: Readonly<Record<string, unknown>> = await import(start.functions);
      for (const [name, what] of Object.entries(module)) engine.define(name, what);
    }
    return new Served(engine);
  }

  begin(text: string): void {
    this.engine.exec(text);
  }

  answer(request: Asked): RowsReply | ColumnsReply | number | null {
    switch (request.type) {
      case "run":
        return this.run(request.text, request.parameters);
      case "script":
        return this.script(request.text);
      case "runAll": {
        let affected = 0;
        for (const [text, parameters] of request.statements) affected += this.run(text, parameters).affected;
        return affected;
      }
      case "load":
        return this.load(request.head, request.rows);
      case "cursor": {
        const { columns, iterate } = this.engine.prepare(request.text);
        this.cursor = { columns, rows: iterate(request.parameters.map(toSqlite)), over: false };
        return { columns, rows: [], affected: 0, insertId: null };
      }
      case "read":
        return this.read(request.count);
      case "closeCursor":
        this.cursor?.rows.return?.();
        this.cursor = null;
        return null;
      case "close":
        this.engine.close();
        return null;
    }
  }

  private run(text: string, parameters: readonly unknown[]): RowsReply {
    const statement = this.statement(text);
    const values = parameters.map(toSqlite);
    const { columns } = statement;
    if (columns.length === 0) {
      const { changes, lastInsertRowid } = statement.run(values);
      return { columns, rows: [], affected: Number(changes), insertId: exact(lastInsertRowid) };
    }
    if (!/\breturning\b/i.test(text)) {
      return { columns, rows: read(statement.all(values)), affected: 0, insertId: null };
    }
    const before = this.changes();
    const rows = read(statement.all(values));
    return { columns, rows, affected: this.changes() - before, insertId: null };
  }

  /** Some rows at a time: that costs half as much as one after the other. */
  private load(head: string, rows: readonly (readonly unknown[])[]): number {
    const width = rows[0]?.length ?? 1;
    const size = Math.max(1, Math.min(TOGETHER, Math.floor(PARAMETERS / width)));
    const tuple = `(${Array(width).fill("?").join(", ")})`;
    const insert = (count: number): Prepared =>
      this.statement(`${head} values ${Array(count).fill(tuple).join(", ")}`);
    const many = rows.length < size ? null : insert(size);
    let values: unknown[] = [];
    for (const row of rows) {
      for (const value of row) values.push(toSqlite(value));
      if (many === null || values.length < size * width) continue;
      many.run(values);
      values = [];
    }
    if (values.length > 0) insert(values.length / width).run(values);
    return rows.length;
  }

  /** One statement may give rows; several may not. */
  private script(text: string): RowsReply {
    try {
      if (this.statement(text).columns.length > 0) return this.run(text, []);
    } catch {
      // `exec` will say what is wrong, in its place.
    }
    this.prepared.delete(text);
    const before = this.changes();
    this.engine.exec(text);
    return { columns: [], rows: [], affected: this.changes() - before, insertId: null };
  }

  private read(count: number): ColumnsReply {
    if (this.cursor === null) throw new Error("no cursor is open");
    const { columns, rows } = this.cursor;
    const values: unknown[][] = columns.map(() => []);
    for (let read = 0; read < count && !this.cursor.over; read++) {
      const next = rows.next();
      if (next.done === true) {
        this.cursor.over = true;
        break;
      }
      const row = next.value;
      for (let i = 0; i < row.length; i++) {
        const value = row[i];
        values[i]?.push(typeof value === "bigint" ? exact(value) : value);
      }
    }
    return { columns, values };
  }

  private changes(): number {
    return Number(this.statement("select total_changes()").all([])[0]?.[0]);
  }

  private statement(text: string): Prepared {
    let statement = this.prepared.get(text);
    if (statement === undefined) {
      statement = this.engine.prepare(text);
      if (this.prepared.size >= KEPT) {
        for (const oldest of this.prepared.keys()) {
          this.prepared.delete(oldest);
          break;
        }
      }
      this.prepared.set(text, statement);
    }
    return statement;
  }
}

/** A number without a fraction is an integer to SQLite only if it comes as one. */
function toSqlite(value: unknown): unknown {
  if (typeof value === "boolean") return value ? 1n : 0n;
  return Number.isSafeInteger(value) ? BigInt(value as number) : value;
}

/** Integers are numbers as long as they are exact. */
function read(rows: unknown[][]): unknown[][] {
  for (const row of rows) {
    for (let i = 0; i < row.length; i++) if (typeof row[i] === "bigint") row[i] = exact(row[i] as bigint);
  }
  return rows;
}

function exact(value: number | bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
