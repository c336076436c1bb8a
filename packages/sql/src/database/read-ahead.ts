import type { Cursor } from "./driver.ts";

/**
 * Rows that come so late are worth waiting for only when somebody wants them, in milliseconds: a loop that is left would
 * have to wait for them.
 */
const PROMPT = 50;

/** A cursor that reads the next rows while these are used, as long as they come promptly. */
export class ReadAhead implements Cursor {
  private readonly cursor: Cursor;
  private readonly depth: number;
  private readonly ahead: Promise<unknown[]>[] = [];
  private took = 0;
  private over = false;

  /** @param depth how many `read`s of the cursor may be on their way at a time, beside the one that is waited for */
  constructor(cursor: Cursor, depth = 1) {
    this.cursor = cursor;
    this.depth = depth;
  }

  async read(count: number): Promise<unknown[]> {
    if (this.over) return [];
    const rows = await (this.ahead.shift() ?? this.begin(count));
    // The last rows are known by their number.
    this.over = rows.length < count;
    while (!this.over && this.took < PROMPT && this.ahead.length < this.depth) {
      this.ahead.push(this.begin(count));
    }
    return rows;
  }

  private begin(count: number): Promise<unknown[]> {
    const start = performance.now();
    const rows = this.cursor.read(count);
    rows.then(
      () => {
        this.took = performance.now() - start;
      },
      () => {},
    );
    return rows;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.ahead);
    await this.cursor.close();
  }
}
