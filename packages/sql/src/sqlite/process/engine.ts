/** A statement that was prepared. */
export interface Prepared {
  readonly columns: readonly string[];
  all(parameters: readonly unknown[]): unknown[][];
  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  iterate(parameters: readonly unknown[]): Iterator<unknown[]>;
}

/** What differs between the libraries that have SQLite. */
export interface Engine {
  prepare(text: string): Prepared;
  exec(text: string): void;
  define(name: string, what: unknown): void;
  close(): void;
}

/** Node's own SQLite, or, where Node has none (or an early one), that of `libsql`. */
export async function openEngine(file: string): Promise<Engine> {
  const node = await nodeSqlite();
  if (node !== null) return new NodeEngine(new node.DatabaseSync(file));
  return new LibsqlEngine(new (await libsql())(file));
}

type NodeSqlite = typeof import("node:sqlite");

async function nodeSqlite(): Promise<NodeSqlite | null> {
  try {
    // Not as a literal: where Node has no such module, the import is to fail here.
    const module = (await import("node:sqlite")) as NodeSqlite;
    return "setReturnArrays" in module.StatementSync.prototype ? module : null;
  } catch {
    return null;
  }
}

class NodeEngine implements Engine {
  private readonly database: InstanceType<NodeSqlite["DatabaseSync"]>;

  constructor(database: InstanceType<NodeSqlite["DatabaseSync"]>) {
    this.database = database;
  }

  prepare(text: string): Prepared {
    const statement = this.database.prepare(text);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    const columns = statement.columns().map(({ name }) => name);
    // The declarations know of rows as objects only.
    return {
      columns,
      all: (parameters) => statement.all(...(parameters as string[])) as unknown as unknown[][],
      run: (parameters) => statement.run(...(parameters as string[])),
      iterate: (parameters) =>
        statement.iterate(...(parameters as string[])) as unknown as Iterator<unknown[]>,
    };
  }

  exec(text: string): void {
    this.database.exec(text);
  }

  define(name: string, what: unknown): void {
    if (typeof what === "function") {
      this.database.function(name, { varargs: what.length === 0 }, what as () => null);
    } else {
      this.database.aggregate(name, what as Parameters<typeof this.database.aggregate>[1]);
    }
  }

  close(): void {
    this.database.close();
  }
}

/** What of libsql is used. */
interface LibsqlDatabase {
  prepare(text: string): LibsqlStatement;
  exec(text: string): void;
  close(): void;
}

interface LibsqlStatement {
  readonly reader: boolean;
  raw(): LibsqlStatement;
  safeIntegers(): LibsqlStatement;
  columns(): { name: string }[];
  all(parameters: readonly unknown[]): unknown[][];
  run(parameters: readonly unknown[]): { changes: number; lastInsertRowid: number | bigint };
  iterate(parameters: readonly unknown[]): Iterator<unknown[]>;
}

async function libsql(): Promise<new (file: string) => LibsqlDatabase> {
  try {
    const { default: Database } = await import("libsql");
    return Database as unknown as new (
      file: string,
    ) => LibsqlDatabase; // its declarations are those of better-sqlite3
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Error(
      `Node ${process.versions.node} has no SQLite that can be used: npm install libsql, or use Node >= 22.16`,
    );
  }
}

class LibsqlEngine implements Engine {
  private readonly database: LibsqlDatabase;

  constructor(database: LibsqlDatabase) {
    this.database = database;
  }

  prepare(text: string): Prepared {
    const statement = this.database.prepare(text);
    statement.safeIntegers();
    const columns = statement.reader ? statement.columns().map(({ name }) => name) : [];
    if (statement.reader) statement.raw();
    return {
      columns,
      all: (parameters) => statement.all([...parameters]),
      run: (parameters) => statement.run([...parameters]),
      iterate: (parameters) => statement.iterate([...parameters]),
    };
  }

  exec(text: string): void {
    this.database.exec(text);
  }

  define(name: string): void {
    throw new Error(
      `libsql can't define the SQL function ${name}: use Node >= 22.16, which has a SQLite that can`,
    );
  }

  close(): void {
    this.database.close();
  }
}
