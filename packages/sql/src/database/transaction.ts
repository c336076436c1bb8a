import { inspect } from "node:util";
import { sleep } from "brio";
import { CommitUnknownError, ConflictError, ConnectionLostError } from "../statement/errors.ts";
import type { Driver, DriverConnection, TransactionOptions } from "./driver.ts";
import { finish, perform } from "./perform.ts";

/** What a transaction has of the database it belongs to. */
export interface Kit {
  readonly driver: Driver;
  readonly patience: number;
}

/** The statements around a transaction, or around a part of one. */
export interface Frame {
  readonly begin: readonly string[];
  readonly commit: string;
  readonly rollback: string;
  /** 0: the outermost. */
  readonly depth: number;
}

const ISOLATIONS: ReadonlySet<unknown> = new Set([
  "read uncommitted",
  "read committed",
  "repeatable read",
  "serializable",
]);

/** @throws TypeError or RangeError that names the option. */
export function outermost(driver: Driver, options: TransactionOptions): Frame {
  const { isolation, retries } = options;
  if (isolation !== undefined && !ISOLATIONS.has(isolation)) {
    const message = `isolation must be one of ${[...ISOLATIONS].join(", ")}; got ${inspect(isolation)}`;
    throw new TypeError(message);
  }
  if (retries !== undefined && (!Number.isInteger(retries) || retries < 0)) {
    throw new RangeError(`retries must be an integer >= 0, such as { retries: 3 }; got ${inspect(retries)}`);
  }
  return { begin: driver.begin(options), commit: "commit", rollback: "rollback", depth: 0 };
}

/** What ends with the transaction that it is for. */
interface Ending {
  end(): void;
}

/** Runs `fn` between `begin` and `commit`; if it fails or is cancelled, or the commit does, rolls back. */
export async function attempt<X extends Ending, T>(
  connection: DriverConnection,
  { patience }: Kit,
  frame: Frame,
  make: (depth: number) => X,
  fn: (tx: X) => PromiseLike<T> | T,
): Promise<T> {
  const tx = make(frame.depth);
  try {
    for (const text of frame.begin) await perform(connection, patience, () => begin(connection, text, frame));
    const result = await fn(tx);
    tx.end();
    // It is not begun in a scope that is cancelled already; once begun, it is waited for.
    await perform(connection, patience, () => say(connection, frame.commit), false);
    return result;
  } catch (error) {
    tx.end();
    await undo(connection, patience, frame);
    throw error;
  }
}

async function begin(connection: DriverConnection, text: string, { depth }: Frame): Promise<void> {
  if (connection.begin !== null && depth === 0) connection.begin(text);
  else await say(connection, text);
}

async function say(connection: DriverConnection, text: string): Promise<void> {
  try {
    await connection.run({ text, parameters: [], constant: false, script: true }, true);
  } catch (error) {
    const translated = connection.translate(error);
    if (text !== "commit" || !(translated instanceof ConnectionLostError)) throw error;
    throw new CommitUnknownError(
      `the connection broke before the commit was answered (${translated.message}): it may have happened or not`,
      { code: translated.code, cause: error },
    );
  }
}

/** A connection that can't be rolled back is not used again: the server does it when the connection ends. */
async function undo(connection: DriverConnection, patience: number, { rollback }: Frame): Promise<void> {
  if (!connection.usable) return;
  try {
    await finish(connection, patience, () => say(connection, rollback));
  } catch {
    connection.distrust();
  }
}

/** Runs `fn` again when another transaction was in its way, a little later each time. */
export async function retried<T>(fn: () => Promise<T>, { retries = 3 }: TransactionOptions): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await fn();
    } catch (error) {
      if (!(error instanceof ConflictError) || tries >= retries) throw error;
      // At random, or those who were in each other's way would meet again.
      await sleep(Math.random() * 10 * 2 ** tries);
    }
  }
}
