/** What the sql programs of all JavaScript peers share: what is asked of a database, and what must come of it. */
import { check, type Program, range, sumBelow } from "./peer.ts";
import { type DatabaseName, type Place, places } from "./sql-places.ts";

export interface Item {
  readonly id: number;
  readonly name: string;
  readonly score: number;
}

/** A row as a list, in the order of `columns`. */
export type Tuple = readonly [id: number, name: string, score: number];
export const columns = ["id", "name", "score"] as const;

type Soon<T> = T | PromiseLike<T>;

/** What a peer does in its own way; all else is the same for all. */
export interface Client {
  /** The row of `items` with this key. */
  select(id: number): Soon<Item>;
  /** Into `written`. @returns how many rows there were */
  insert(row: Tuple): Soon<number>;
  /** In a transaction, reads the score of an item, and writes it with one more. @returns what it was */
  increment(id: number): Soon<number>;
  /** Into `written`, all or none. @returns how many rows there were */
  bulk(rows: readonly Tuple[]): Soon<number>;
  /** Reads side² rows, not all at once. @returns the sum of their keys */
  sum(side: number): Soon<number>;
  close(): Soon<unknown>;
}

/** How a peer connects. */
export type Connect = (place: Place, connections: number) => Soon<Client>;

/** How a peer runs functions at the same time. */
export type Together = (functions: readonly (() => Promise<void>)[]) => Promise<unknown>;

const NAME = "a name that is not long";
/** So many `items` there are. */
const ITEMS = 1000;
/** How many connections a pool has. */
const POOL = 10;

const open: (() => Promise<void>)[] = [];

/** Closes what the programs have opened, and looks whether all rows are there that were written. */
export async function endClients(): Promise<void> {
  for (const close of open.splice(0)) await close();
}

interface Opened {
  readonly client: Client;
  /** How many rows are in `written`. */
  written: number;
  /** How many transactions there were. */
  increments: number;
}

export function sqlPrograms(
  database: DatabaseName,
  connect: Connect,
  together: Together,
): Record<string, Program> {
  const program = (
    connections: number,
    run: (opened: Opened, tasks: number, turns: number) => Promise<void>,
  ): Program => {
    let opened: Opened | undefined;
    return async (tasks, turns) => {
      if (opened === undefined) {
        const place = await places[database](ITEMS, NAME);
        const client = await connect(place, connections);
        const found = { client, written: 0, increments: 0 };
        open.push(async () => {
          opened = undefined;
          await client.close();
          check("the number of rows", await place.remove(), found.written);
        });
        opened = found;
      }
      await run(opened, tasks, turns);
    };
  };
  const reads = async ({ client }: Opened, turns: number): Promise<void> => {
    for (let turn = 0; turn < turns; turn++) {
      const id = (turn % ITEMS) + 1;
      const item = await client.select(id);
      if (item.id !== id || item.name !== NAME) check("the key", `${item.id}, ${item.name}`, id);
    }
  };
  return {
    [`${database}-select`]: program(1, (opened, _, turns) => reads(opened, turns)),
    [`${database}-insert`]: program(1, async (opened, _, turns) => {
      for (let turn = 0; turn < turns; turn++) {
        const count = await opened.client.insert([++opened.written, NAME, turn]);
        check("the number of rows", count, 1);
      }
    }),
    [`${database}-transaction`]: program(1, async (opened, _, turns) => {
      for (let turn = 0; turn < turns; turn++) {
        check("the score", await opened.client.increment(1), opened.increments++);
      }
    }),
    [`${database}-bulk`]: program(1, async (opened, _, turns) => {
      const rows: Tuple[] = [];
      for (let row = 0; row < turns; row++) rows.push([++opened.written, NAME, row]);
      check("the number of rows", await opened.client.bulk(rows), turns);
    }),
    [`${database}-stream`]: program(1, async ({ client }, _, turns) => {
      const side = Math.sqrt(turns);
      // Of a * ITEMS + b, for all a and b from 1 to side.
      const sum = sumBelow(side + 1) * side * (ITEMS + 1);
      check("the sum", await client.sum(side), sum);
    }),
    [`${database}-pool`]: program(POOL, async (opened, tasks, turns) => {
      await together(range(tasks).map(() => () => reads(opened, turns)));
    }),
  };
}
