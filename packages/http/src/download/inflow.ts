import { moveOnAfter } from "brio";
import type { StreamReader } from "brio/streams";

/** How much it is worth waiting for, in bytes: few large writes cost less than many small ones. */
const LEAST = 262_144;

/** How long that is waited for, in milliseconds. */
const PATIENCE = 100;

/** A body, in portions that are worth writing. What was read and not taken is still there when a wait was cancelled. */
export class Inflow {
  private readonly body: StreamReader;
  private portion: Buffer[] | null = null;

  constructor(body: StreamReader) {
    this.body = body;
  }

  /** How many bytes the next portion has, once it is worth taking: at most `most`; 0 at the end. */
  async come(most: number): Promise<number> {
    const { body } = this;
    if (this.portion === null)
      await moveOnAfter(PATIENCE, async () => {
        this.portion = await body.readPieces(Math.min(LEAST, most), most);
      });
    this.portion ??= await body.readPieces(1, most);
    return this.portion.reduce((sum, { length }) => sum + length, 0);
  }

  /** The portion that has come. */
  take(): Buffer[] {
    const taken = this.portion ?? [];
    this.portion = null;
    return taken;
  }
}
