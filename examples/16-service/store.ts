import { type Database, sql } from "@brio/sql";

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

const TABLES = sql.unsafe(`
  create table if not exists readings (
    id integer primary key, sensor text not null, value real not null, at text not null
  );
  create index if not exists by_sensor on readings (sensor, id);
  create table if not exists audit (at text not null, caller text not null, what text not null);
`);

/** The readings, in a database. A request that is cancelled while it asks stops its statement. */
export class Store {
  private readonly db: Database;

  private constructor(db: Database) {
    this.db = db;
  }

  /** Makes the tables that are missing. */
  static async open(db: Database): Promise<Store> {
    await db.execute(TABLES);
    return new Store(db);
  }

  async add(sensor: string, value: number): Promise<Reading> {
    const at = new Date().toISOString();
    const { insertId } = await this.db.execute(
      sql`insert into readings ${sql.insert({ sensor, value, at })}`,
    );
    return { id: Number(insertId), sensor, value, at };
  }

  async find(id: number): Promise<Reading | null> {
    return await this.db.maybeOne(sql<Reading>`select id, sensor, value, at from readings where id = ${id}`);
  }

  /** The readings that come after one, oldest first. */
  async page(after: number, limit: number, sensor: string | null = null): Promise<Reading[]> {
    const ofSensor = sensor === null ? sql`` : sql`and sensor = ${sensor}`;
    return await this.db.query(sql<Reading>`
      select id, sensor, value, at from readings where id > ${after} ${ofSensor} order by id limit ${limit}`);
  }

  /** All of them, page by page: no connection is taken while the reader does something else. */
  async *all(): AsyncGenerator<Reading> {
    for (let after = 0; ; ) {
      const readings = await this.page(after, 1000);
      const last = readings.at(-1);
      if (last === undefined) return;
      yield* readings;
      after = last.id;
    }
  }

  async summarize(): Promise<Summary[]> {
    return await this.db.query(sql<Summary>`
      select sensor, count(*) as count, avg(value) as mean, min(value) as least, max(value) as most
      from readings group by sensor order by sensor`);
  }

  async audit(caller: string, lines: readonly string[]): Promise<void> {
    const at = new Date();
    await this.db.executeMany(
      lines,
      (what) => sql`insert into audit (at, caller, what) values (${at}, ${caller}, ${what})`,
    );
  }
}
