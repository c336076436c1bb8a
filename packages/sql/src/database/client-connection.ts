import type { Compiled } from "../statement/compile.ts";
import { ConnectionLostError } from "../statement/errors.ts";
import type { Cursor, DriverConnection, Loader, Result } from "./driver.ts";

/** What all drivers' clients tell. */
interface Client {
  on(event: "error" | "end", listener: () => void): unknown;
  off(event: "error" | "end", listener: () => void): unknown;
}

/** A driver's client, and whether it can still be used. */
export abstract class ClientConnection<C extends Client> implements DriverConnection {
  readonly raw: C;
  readonly begin = null;
  /** Does it come from a pool of the user's own? */
  protected readonly adopted: boolean;
  /** Has it ended? */
  protected gone = false;
  private trusted = true;

  constructor(client: C, adopted: boolean) {
    this.raw = client;
    this.adopted = adopted;
    client.on("error", this.lost);
    client.on("end", this.lost);
  }

  abstract readonly load: ((table: string, columns: readonly string[]) => Promise<Loader>) | null;
  abstract run(statement: Compiled, arrays: boolean): Promise<Result>;
  abstract open(statement: Compiled): Promise<Cursor>;
  abstract stop(patience: number): Promise<void>;
  abstract certain(error: unknown): boolean;
  abstract check(): Promise<void>;
  abstract close(): Promise<void>;
  abstract destroy(): void;
  /** The error that tasks get for one of the driver's. */
  protected abstract translated(error: unknown): unknown;

  get usable(): boolean {
    return this.trusted && !this.gone;
  }

  distrust(): void {
    this.trusted = false;
  }

  translate(error: unknown): unknown {
    const translated = this.translated(error);
    // It has said so itself, before it breaks.
    if (translated instanceof ConnectionLostError) this.distrust();
    return translated;
  }

  async runAll(statements: readonly Compiled[]): Promise<number> {
    let affected = 0;
    for (const statement of statements) affected += (await this.run(statement, true)).affected;
    return affected;
  }

  /** It goes away, and is not listened to any more. */
  protected leave(): void {
    this.gone = true;
    this.raw.off("end", this.lost);
    // One that comes from a pool has listeners of that; another one may still fail when it says goodbye.
    if (this.adopted) this.raw.off("error", this.lost);
  }

  private readonly lost = (): void => {
    this.gone = true;
  };
}
