// What one sees while it runs: in a terminal a picture that is repainted, elsewhere a line for each thing that happens.
import type { Observer, Outcome, Wanted } from "./download.ts";
import { bytes, messageOf, seconds } from "./format.ts";
import { LivePicture } from "./live-picture.ts";

export interface Progress extends Observer {
  /** Shows it, until it is cancelled. */
  show(): Promise<void>;
}

/** @param rows how many downloads there are at most at a time */
export function progressOf(label: string, all: readonly Wanted[], rows: number): Progress {
  return process.stdout.isTTY
    ? new LivePicture(label, all, rows, process.stdout)
    : new PlainLines(label, all);
}

class PlainLines implements Progress {
  private readonly label: string;
  private readonly total: number;
  private count = 0;

  constructor(label: string, all: readonly Wanted[]) {
    this.label = label;
    this.total = all.length;
  }

  async show(): Promise<void> {}

  started(): void {}

  received(): void {}

  retrying({ name }: Wanted, attempt: number, error: unknown): void {
    console.log(`${this.label}: ${name}: attempt ${attempt} failed: ${messageOf(error)}`);
  }

  ended({ wanted, started, ended, error }: Outcome): void {
    this.count++;
    const result = error === null ? bytes(wanted.size) : `given up: ${messageOf(error)}`;
    const time = seconds(ended - started);
    console.log(`${this.label}: ${this.count}/${this.total} ${wanted.name}: ${result}, ${time}`);
  }
}
