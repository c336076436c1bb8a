import type { AGAIN, WaitSource } from "../cancel/wait.ts";
import type { Finder } from "./separators.ts";
import type { StreamReader } from "./stream-reader.ts";

/** A read: what it tries, and what is waited for if more has to come. */
export abstract class Reading<T> implements WaitSource<T> {
  abstract readonly kind: string;
  protected readonly reader: StreamReader;

  constructor(reader: StreamReader) {
    this.reader = reader;
  }

  /** Is what came before the connection was lost still read by it? Otherwise only by one that waited then. */
  get readsRest(): boolean {
    return false;
  }

  /** What was read, or AGAIN. It may throw. */
  abstract attempt(): T | typeof AGAIN;

  take(): T | typeof AGAIN {
    try {
      return this.reader.retry(this);
    } catch (error) {
      this.reader.endWait();
      throw error;
    }
  }

  withdraw(): undefined {
    this.reader.endWait();
  }

  get outside(): boolean {
    return this.reader.connected;
  }

  toString(): string {
    return String(this.reader);
  }
}

export class SomeBytes extends Reading<Buffer> {
  private readonly n: number;

  constructor(reader: StreamReader, n: number) {
    super(reader);
    this.n = n;
  }

  get kind(): string {
    return "reader.read";
  }

  attempt(): Buffer | typeof AGAIN {
    return this.reader.trySome(this.n);
  }
}

export class SomePieces extends Reading<Buffer[]> {
  private readonly least: number;
  private readonly most: number;

  constructor(reader: StreamReader, least: number, most: number) {
    super(reader);
    this.least = least;
    this.most = most;
  }

  get kind(): string {
    return "reader.readPieces";
  }

  override get readsRest(): boolean {
    return true;
  }

  attempt(): Buffer[] | typeof AGAIN {
    return this.reader.tryPieces(this.least, this.most);
  }
}

export class ExactBytes extends Reading<Buffer> {
  private readonly n: number;

  constructor(reader: StreamReader, n: number) {
    super(reader);
    this.n = n;
  }

  get kind(): string {
    return "reader.readExactly";
  }

  attempt(): Buffer | typeof AGAIN {
    return this.reader.tryExactly(this.n);
  }
}

export class UpTo extends Reading<Buffer> {
  protected readonly finder: Finder;

  constructor(reader: StreamReader, finder: Finder) {
    super(reader);
    this.finder = finder;
  }

  get kind(): string {
    return "reader.readUntil";
  }

  attempt(): Buffer | typeof AGAIN {
    return this.reader.tryUpTo(this.finder);
  }
}

export class Line extends UpTo {
  override get kind(): string {
    return "reader.readLine";
  }

  override attempt(): Buffer | typeof AGAIN {
    return this.reader.tryLine(this.finder);
  }
}
