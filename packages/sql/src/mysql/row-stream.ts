import type { Readable } from "node:stream";

/** A column. */
export interface Field {
  readonly name: string;
  readonly columnType?: number;
}

/** What mysql2 runs a statement with. */
export interface RowCommand {
  on(event: "fields", listener: (fields: Field[] | undefined) => void): void;
  stream(options: { highWaterMark: number }): Readable;
}

/** The number of the type BIGINT. */
const LONGLONG = 8;

/** The columns whose integers may be too large for a number. */
export function bigColumns(fields: readonly Field[] | undefined): string[] {
  return (fields ?? []).filter(({ columnType }) => columnType === LONGLONG).map(({ name }) => name);
}

/** Their places. */
export function bigPlaces(fields: readonly Field[] | undefined): number[] {
  return [...(fields ?? []).keys()].filter((place) => fields?.[place]?.columnType === LONGLONG);
}

/** An integer that is too large for a number comes as a text. */
export function exact(value: unknown): unknown {
  return typeof value === "string" ? BigInt(value) : value;
}

/** So many rows are kept; then no more are read from the socket. */
const KEPT = 1000;

/** The rows of a statement, as they come. */
export class RowStream {
  private readonly stream: Readable;
  private big: string[] = [];
  private failure: Error | null = null;
  private ended = false;
  private draining = false;
  private wake: () => void = () => {};

  constructor(command: RowCommand) {
    command.on("fields", (fields) => {
      this.big = bigColumns(fields);
    });
    this.stream = command.stream({ highWaterMark: KEPT });
    this.stream.on("readable", () => this.wake());
    this.stream.on("end", () => {
      this.ended = true;
      this.wake();
    });
    this.stream.on("error", (error) => {
      this.failure = error;
      this.wake();
    });
  }

  /** No more will come. */
  fail(error: Error): void {
    this.failure ??= error;
    this.wake();
  }

  /** Will no more come? */
  get over(): boolean {
    return this.ended || this.failure !== null;
  }

  /** The next rows: so many, or what is left. */
  async read(count: number): Promise<unknown[]> {
    const rows: unknown[] = [];
    while (rows.length < count) {
      const row = this.stream.read() as Record<string, unknown> | null;
      if (row !== null) {
        for (const name of this.big) row[name] = exact(row[name]);
        if (!this.draining) rows.push(row);
      } else if (this.failure !== null) {
        throw this.failure;
      } else if (this.ended) {
        break;
      } else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    }
    return rows;
  }

  /** Throws away what still comes: also what a `read` waits for. Resolves with the error at the end, if there is one. */
  async drain(): Promise<unknown> {
    const reading = this.draining;
    this.draining = true;
    if (reading) return this.failure;
    const wake = this.wake;
    try {
      await this.read(1);
    } catch {
      // It is the result.
    }
    wake();
    return this.failure;
  }
}
